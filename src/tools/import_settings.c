/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A foreign configuration for creation.h; see the header. */
#include "tools/import_settings.h"

#include "base/error.h"
#include "base/text.h"
#include "tools/command.h"
#include "tools/creation.h"
#include "tools/import.h"

static int take(struct import *import, struct creation *creation, struct error *err)
{
	int r = import_config_take(&import->taken, import->settings, err);

	text_add(&import->taken.text, "");
	creation->config.uuid = import->taken.uuid;
	return r;
}

/* Another command may have taken UUID or MAC address since. */
static int take_again(struct creation *creation, struct strings *errors, struct error *err)
{
	int r = take(creation->user, creation, err);

	create_config_done(&creation->config);
	return r < 0 ? r : create_config_read(&creation->config, errors, err);
}

int import_settings_prepare(struct import *import, struct creation *creation,
                            const struct text *text, const char *old_name, const char *where,
                            struct error *err)
{
	struct import_config *taken = &import->taken;

	creation->config.base = import->base;
	taken->paths = &import->call->paths;
	taken->name = creation->name;
	taken->old_name = old_name;
	taken->trust = import->trust;
	taken->keep = import->keep;
	if (!taken->snippet)
		taken->snippet = "";
	if (import->base)
		return 0;
	import->settings = text;
	creation->config.base = where;
	creation->config.base_text = &taken->text;
	creation->reserve = take_again;
	return take(import, creation, err);
}
