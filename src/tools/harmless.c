/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Taking the teeth out of terminal output (ECMA-48, console_codes(4)); see the header. */
#include "tools/harmless.h"

#include "base/text.h"

#include <stdbool.h>

static void add_byte(struct text *out, unsigned char c)
{
	text_add_bytes(out, &c, 1);
}

/* The bytes kept so far turned out to be no UTF-8. */
static void drop_sequence(struct harmless *harmless, struct text *out)
{
	if (harmless->need)
		text_add(out, "?");
	harmless->have = harmless->need = 0;
}

static void begin_sequence(struct harmless *harmless, unsigned char c, struct text *out)
{
	if (c < 0xc2 || c > 0xf4) {
		text_add(out, "?");
		return;
	}
	harmless->need = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	harmless->utf8[0] = c;
	harmless->have = 1;
}

/* True when c belongs to the sequence that was begun. */
static bool continue_sequence(struct harmless *harmless, unsigned char c, struct text *out)
{
	const unsigned char *bytes = harmless->utf8;

	if ((c & 0xc0) != 0x80) {
		drop_sequence(harmless, out);
		return false;
	}
	harmless->utf8[harmless->have++] = c;
	if (harmless->have < harmless->need)
		return true;
	/* U+0080 to U+009F are controls, others too long a form for what they say */
	if ((bytes[0] == 0xc2 && bytes[1] < 0xa0) || (bytes[0] == 0xe0 && bytes[1] < 0xa0) ||
	    (bytes[0] == 0xed && bytes[1] > 0x9f) || (bytes[0] == 0xf0 && bytes[1] < 0x90) ||
	    (bytes[0] == 0xf4 && bytes[1] > 0x8f))
		text_add(out, "?");
	else
		text_add_bytes(out, bytes, harmless->need);
	harmless->have = harmless->need = 0;
	return true;
}

static void add_plain(struct harmless *harmless, unsigned char c, struct text *out)
{
	if (harmless->need && continue_sequence(harmless, c, out))
		return;
	if (c == 27) {
		harmless->state = HARMLESS_ESCAPE;
	} else if (c == '\n' || c == '\t' || (c >= 32 && c < 127)) {
		add_byte(out, c);
	} else if (c >= 128) {
		begin_sequence(harmless, c, out);
	} else if (c != '\r') {
		add_byte(out, '^');
		add_byte(out, c ^ 64);
	}
}

static void add_escape(struct harmless *harmless, unsigned char c)
{
	if (c == '[')
		harmless->state = HARMLESS_CONTROL;
	else if (c == ']' || c == 'P' || c == 'X' || c == '^' || c == '_')
		harmless->state = HARMLESS_STRING;
	else if (c < 0x20 || c > 0x2f) /* others have intermediate bytes before their last */
		harmless->state = c == 27 ? HARMLESS_ESCAPE : HARMLESS_PLAIN;
}

void harmless_add(struct harmless *harmless, const char *bytes, size_t count, struct text *out)
{
	for (size_t i = 0; i < count; i++) {
		unsigned char c = (unsigned char)bytes[i];

		/* a line ends what was left open: one broken sequence must not hide the rest */
		if (c == '\n' && harmless->state != HARMLESS_PLAIN)
			harmless->state = HARMLESS_PLAIN;
		switch (harmless->state) {
		case HARMLESS_PLAIN:
			add_plain(harmless, c, out);
			break;
		case HARMLESS_ESCAPE:
			add_escape(harmless, c);
			break;
		case HARMLESS_CONTROL:
			if (c >= 0x40 && c <= 0x7e)
				harmless->state = HARMLESS_PLAIN;
			else if (c == 27)
				harmless->state = HARMLESS_ESCAPE;
			break;
		case HARMLESS_STRING:
			if (c == 7)
				harmless->state = HARMLESS_PLAIN;
			else if (c == 27)
				harmless->state = HARMLESS_STRING_END;
			break;
		case HARMLESS_STRING_END:
			if (c == '\\')
				harmless->state = HARMLESS_PLAIN;
			else
				add_escape(harmless, c);
			break;
		}
	}
}
