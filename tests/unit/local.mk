# One program per source file that has logic: test-<folder>-<file>. To add one, add it to UNIT_TESTS and
# give it a _SOURCES line.
UNIT_TESTS =
check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)
unit_ldadd = libsysc.a $(NL_LIBS) $(CAP_LIBS) $(SECCOMP_LIBS) $(UUID_LIBS) $(INIH_LIBS)
LDADD = $(unit_ldadd)
UNIT_TESTS += tests/unit/test-base-log tests/unit/test-base-table
tests_unit_test_base_log_SOURCES = tests/unit/test-base-log.c
tests_unit_test_base_table_SOURCES = tests/unit/test-base-table.c
UNIT_TESTS += tests/unit/test-security-capabilities tests/unit/test-security-lsm tests/unit/test-security-policy \
	tests/unit/test-security-seccomp
tests_unit_test_security_capabilities_SOURCES = tests/unit/test-security-capabilities.c
tests_unit_test_security_lsm_SOURCES = tests/unit/test-security-lsm.c
EXTRA_DIST += tests/data/lsm
tests_unit_test_security_policy_SOURCES = tests/unit/test-security-policy.c
tests_unit_test_security_seccomp_SOURCES = tests/unit/test-security-seccomp.c
UNIT_TESTS += tests/unit/test-storage-manifest tests/unit/test-storage-manifest_list
tests_unit_test_storage_manifest_SOURCES = tests/unit/test-storage-manifest.c
tests_unit_test_storage_manifest_list_SOURCES = tests/unit/test-storage-manifest_list.c
UNIT_TESTS += tests/unit/test-storage-identity
tests_unit_test_storage_identity_SOURCES = tests/unit/test-storage-identity.c
UNIT_TESTS += tests/unit/test-storage-backends tests/unit/test-storage-copy tests/unit/test-storage-diff tests/unit/test-storage-own tests/unit/test-storage-remove tests/unit/test-storage-shift \
	tests/unit/test-storage-storage
tests_unit_test_storage_backends_SOURCES = tests/unit/test-storage-backends.c
tests_unit_test_storage_copy_SOURCES = tests/unit/test-storage-copy.c
tests_unit_test_storage_diff_SOURCES = tests/unit/test-storage-diff.c
tests_unit_test_storage_own_SOURCES = tests/unit/test-storage-own.c
tests_unit_test_storage_remove_SOURCES = tests/unit/test-storage-remove.c
tests_unit_test_storage_shift_SOURCES = tests/unit/test-storage-shift.c
tests_unit_test_storage_storage_SOURCES = tests/unit/test-storage-storage.c
UNIT_TESTS += tests/unit/test-base-error tests/unit/test-base-file tests/unit/test-base-parse \
	tests/unit/test-base-process tests/unit/test-base-progress tests/unit/test-base-socket tests/unit/test-base-text
tests_unit_test_base_error_SOURCES = tests/unit/test-base-error.c
tests_unit_test_base_file_SOURCES = tests/unit/test-base-file.c
tests_unit_test_base_parse_SOURCES = tests/unit/test-base-parse.c
tests_unit_test_base_process_SOURCES = tests/unit/test-base-process.c
tests_unit_test_base_progress_SOURCES = tests/unit/test-base-progress.c
tests_unit_test_base_socket_SOURCES = tests/unit/test-base-socket.c
tests_unit_test_base_text_SOURCES = tests/unit/test-base-text.c
UNIT_TESTS += tests/unit/test-helpers-init
tests_unit_test_helpers_init_SOURCES = tests/unit/test-helpers-init.c
UNIT_TESTS += tests/unit/test-cgroup-devices
tests_unit_test_cgroup_devices_SOURCES = tests/unit/test-cgroup-devices.c
UNIT_TESTS += tests/unit/test-cgroup-detect tests/unit/test-cgroup-limits tests/unit/test-cgroup-live \
	tests/unit/test-cgroup-stats tests/unit/test-cgroup-systemd
tests_unit_test_cgroup_systemd_SOURCES = tests/unit/test-cgroup-systemd.c
tests_unit_test_cgroup_detect_SOURCES = tests/unit/test-cgroup-detect.c
tests_unit_test_cgroup_limits_SOURCES = tests/unit/test-cgroup-limits.c
tests_unit_test_cgroup_live_SOURCES = tests/unit/test-cgroup-live.c
tests_unit_test_cgroup_stats_SOURCES = tests/unit/test-cgroup-stats.c
EXTRA_DIST += tests/data/cgroup
UNIT_TESTS += tests/unit/test-container-applied \
	tests/unit/test-container-config \
	tests/unit/test-container-config_edit \
	tests/unit/test-container-container \
	tests/unit/test-container-idmap \
	tests/unit/test-container-keep \
	tests/unit/test-container-keys \
	tests/unit/test-container-lock \
	tests/unit/test-container-lxc_config \
	tests/unit/test-container-lxc_running \
	tests/unit/test-container-paths \
	tests/unit/test-container-state \
	tests/unit/test-container-uuid
tests_unit_test_container_applied_SOURCES = tests/unit/test-container-applied.c
tests_unit_test_container_config_SOURCES = tests/unit/test-container-config.c
tests_unit_test_container_config_edit_SOURCES = tests/unit/test-container-config_edit.c
tests_unit_test_container_container_SOURCES = tests/unit/test-container-container.c
tests_unit_test_container_idmap_SOURCES = tests/unit/test-container-idmap.c
tests_unit_test_container_keep_SOURCES = tests/unit/test-container-keep.c
tests_unit_test_container_keys_SOURCES = tests/unit/test-container-keys.c
tests_unit_test_container_lxc_config_SOURCES = tests/unit/test-container-lxc_config.c
tests_unit_test_container_lxc_running_SOURCES = tests/unit/test-container-lxc_running.c
tests_unit_test_container_lock_SOURCES = tests/unit/test-container-lock.c
tests_unit_test_container_paths_SOURCES = tests/unit/test-container-paths.c
tests_unit_test_container_state_SOURCES = tests/unit/test-container-state.c
tests_unit_test_container_uuid_SOURCES = tests/unit/test-container-uuid.c
UNIT_TESTS += tests/unit/test-network-address tests/unit/test-network-bridge \
	tests/unit/test-network-network tests/unit/test-network-reserve
tests_unit_test_network_address_SOURCES = tests/unit/test-network-address.c
tests_unit_test_network_bridge_SOURCES = tests/unit/test-network-bridge.c
tests_unit_test_network_network_SOURCES = tests/unit/test-network-network.c
tests_unit_test_network_reserve_SOURCES = tests/unit/test-network-reserve.c
tests_unit_test_network_bridge_CFLAGS = $(AM_CFLAGS) $(NL_CFLAGS)
tests_unit_test_network_network_CFLAGS = $(AM_CFLAGS) $(NL_CFLAGS)
UNIT_TESTS += tests/unit/test-helpers-archive
tests_unit_test_helpers_archive_SOURCES = tests/unit/test-helpers-archive.c src/helpers/archive_rules.c
UNIT_TESTS += tests/unit/test-helpers-confine_filter
tests_unit_test_helpers_confine_filter_SOURCES = tests/unit/test-helpers-confine_filter.c \
	src/helpers/confine_filter.c
tests_unit_test_helpers_confine_filter_CFLAGS = $(AM_CFLAGS) $(SECCOMP_CFLAGS)
UNIT_TESTS += tests/unit/test-helpers-gzip
tests_unit_test_helpers_gzip_SOURCES = tests/unit/test-helpers-gzip.c src/helpers/archive_gzip.c
tests_unit_test_helpers_gzip_CFLAGS = $(AM_CFLAGS) $(ZLIB_CFLAGS)
tests_unit_test_helpers_gzip_LDADD = $(unit_ldadd) $(ZLIB_LIBS)

# tools/ is not in the library: its files with logic of their own are built in
UNIT_TESTS += tests/unit/test-tools-autostart_order tests/unit/test-tools-harmless
tests_unit_test_tools_autostart_order_SOURCES = tests/unit/test-tools-autostart_order.c \
	src/tools/autostart_order.c src/tools/autostart_order.h
tests_unit_test_tools_harmless_SOURCES = tests/unit/test-tools-harmless.c \
	src/tools/harmless.c src/tools/harmless.h src/tools/moment.c src/tools/moment.h
UNIT_TESTS += tests/unit/test-monitor-handover
tests_unit_test_monitor_handover_SOURCES = tests/unit/test-monitor-handover.c
UNIT_TESTS += tests/unit/test-monitor-notify tests/unit/test-monitor-restart
tests_unit_test_monitor_notify_SOURCES = tests/unit/test-monitor-notify.c
tests_unit_test_monitor_restart_SOURCES = tests/unit/test-monitor-restart.c
UNIT_TESTS += tests/unit/test-monitor-ready_network
tests_unit_test_monitor_ready_network_SOURCES = tests/unit/test-monitor-ready_network.c
