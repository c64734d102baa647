# "make check-vm": the tests that need systemd as PID 1 and plain cgroup v2, in an emulated machine (vm-build, vm-run).
# Not part of "make check". VM_CACHE keeps the machine between runs. A further job: a file job-NAME.sh in VM_JOBS.
# VM_CASES="a b" runs these cases only; VM_PARALLEL says how many machines run at a time, each of which wants 1.5 GiB.
VM_CASES =
VM_PARALLEL = 2
VM_CACHE = $(abs_top_builddir)/tests/vm/cache
# those that take longest first
VM_JOBS = tests/vm/job-boot.sh tests/vm/job-limits.sh tests/vm/job-volumes.sh tests/vm/job-systemd.sh
VM_JOBS += tests/vm/job-apparmor.sh tests/vm/job-hybrid.sh tests/vm/job-storage.sh
VM_JOBS += tests/vm/job-live.sh tests/vm/job-net.sh
VM_UNIT_TESTS = tests/unit/test-cgroup-devices tests/unit/test-cgroup-live
VM_TOOLS = tests/vm/mount-calls
EXTRA_PROGRAMS = $(VM_TOOLS)
tests_vm_mount_calls_SOURCES = tests/vm/mount-calls.c
tests_vm_mount_calls_LDFLAGS = -static
tests_vm_mount_calls_LDADD =
EXTRA_DIST += tests/vm/vm-build tests/vm/vm-run tests/vm/vm-jobs tests/vm/lib.sh $(VM_JOBS)

check-vm: all
	$(SHELL) $(top_srcdir)/tests/vm/vm-build '$(VM_CACHE)' src/sysc
	$(MAKE) $(AM_MAKEFLAGS) $(VM_UNIT_TESTS) $(VM_TOOLS)
	rm -rf tests/vm/stage && mkdir -p tests/vm/stage tests/vm/out
	$(MAKE) $(AM_MAKEFLAGS) -s install DESTDIR='$(abs_top_builddir)/tests/vm/stage/tree' >/dev/null
	tar -C tests/vm/stage/tree --owner=0 --group=0 -cf tests/vm/stage/sysc.tar .
	printf '%s\n' 'PATH=$(bindir):$$PATH' 'etc=$(sysconfdir_sysc)' 'store=$(localstatedir)/lib/sysc' "only='$(VM_CASES)'" >tests/vm/stage/where
	$(SHELL) $(top_srcdir)/tests/vm/vm-jobs '$(VM_PARALLEL)' '$(VM_CACHE)' tests/vm/out \
		'$(top_srcdir)/tests/vm/lib.sh tests/vm/stage/sysc.tar tests/vm/stage/where $(VM_UNIT_TESTS) $(VM_TOOLS)' \
		$(addprefix $(top_srcdir)/,$(VM_JOBS))

clean-vm:
	rm -rf tests/vm/stage tests/vm/out

.PHONY: check-vm clean-vm
