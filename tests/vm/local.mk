# "make check-vm": the tests that need systemd as PID 1 and plain cgroup v2, in an emulated machine (vm-build, vm-run).
# Not part of "make check". VM_CACHE keeps the machine between runs. A further job: a file job-NAME.sh in VM_JOBS.
# VM_CASES="a b" runs these cases only.
VM_CASES =
VM_CACHE = $(abs_top_builddir)/tests/vm/cache
VM_JOBS = tests/vm/job-limits.sh tests/vm/job-net.sh tests/vm/job-live.sh tests/vm/job-apparmor.sh
VM_JOBS += tests/vm/job-systemd.sh tests/vm/job-storage.sh
VM_JOBS += tests/vm/job-boot.sh
VM_UNIT_TESTS = tests/unit/test-cgroup-devices tests/unit/test-cgroup-live
VM_TOOLS = tests/vm/mount-calls
EXTRA_PROGRAMS = $(VM_TOOLS)
tests_vm_mount_calls_SOURCES = tests/vm/mount-calls.c
tests_vm_mount_calls_LDFLAGS = -static
tests_vm_mount_calls_LDADD =
EXTRA_DIST += tests/vm/vm-build tests/vm/vm-run tests/vm/lib.sh $(VM_JOBS)

check-vm: all
	$(SHELL) $(top_srcdir)/tests/vm/vm-build '$(VM_CACHE)' src/sysc
	$(MAKE) $(AM_MAKEFLAGS) $(VM_UNIT_TESTS) $(VM_TOOLS)
	rm -rf tests/vm/stage && mkdir -p tests/vm/stage tests/vm/out
	$(MAKE) $(AM_MAKEFLAGS) -s install DESTDIR='$(abs_top_builddir)/tests/vm/stage/tree' >/dev/null
	tar -C tests/vm/stage/tree --owner=0 --group=0 -cf tests/vm/stage/sysc.tar .
	printf '%s\n' 'PATH=$(bindir):$$PATH' 'etc=$(sysconfdir_sysc)' 'store=$(localstatedir)/lib/sysc' "only='$(VM_CASES)'" >tests/vm/stage/where
	status=0; for job in $(VM_JOBS); do \
		echo "# $$job"; name=`basename $$job .sh`; \
		$(SHELL) $(top_srcdir)/tests/vm/vm-run '$(VM_CACHE)' "tests/vm/out/$$name" $(top_srcdir)/$$job $(top_srcdir)/tests/vm/lib.sh \
			tests/vm/stage/sysc.tar tests/vm/stage/where $(VM_UNIT_TESTS) $(VM_TOOLS) || status=1; \
	done; exit $$status

clean-vm:
	rm -rf tests/vm/stage tests/vm/out

.PHONY: check-vm clean-vm
