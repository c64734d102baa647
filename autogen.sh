#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
set -eu
cd "$(dirname "$0")"
mkdir -p config/m4 config/build-aux
exec autoreconf --install --force
