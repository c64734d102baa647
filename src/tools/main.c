/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sysc program. */
int main(void)
{
	return 2;
}
