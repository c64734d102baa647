# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is measured: each class makes containers of one runtime and gives its commands.

Every runtime gets the same container: user namespace, a veth on the bridge with a fixed address
(crun: a network namespace only, since it makes no links), limits of memory, processes and cpu, the
usual dropped capabilities and a seccomp policy, on the same root file system with tests/bench/payload
as its init.
"""
import json
import os
import shutil
import subprocess

MEMORY = 512 << 20
PIDS = 512
CPUS = 1.5
SKELETON = "bin sbin etc dev dev/pts dev/shm proc sys tmp run var root mnt".split()
BRIDGE = "benchbr0"


def run(*command, **options):
    """Runs to the end; a failure is an error with what the command said."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise SystemExit(f"bench: {' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def make_tree(folder, payload):
    for name in SKELETON:
        os.makedirs(f"{folder}/{name}", exist_ok=True)
    shutil.copy(payload, f"{folder}/sbin/init")
    os.link(f"{folder}/sbin/init", f"{folder}/bin/true")
    for name, text in {"etc/passwd": "root:x:0:0:root:/root:/bin/sh\n", "etc/group": "root:x:0:\n",
                       "etc/hostname": "bench\n", "stamp": ""}.items():
        with open(f"{folder}/{name}", "w", encoding="ascii") as file:
            file.write(text)
    os.chmod(f"{folder}/stamp", 0o666)


def give_tree(folder, first_id):
    """The tree's owner becomes the container's root (runtimes that do not id-map the mount)."""
    os.lchown(folder, first_id, first_id)
    for parent, folders, files in os.walk(folder):
        for name in folders + files:
            os.lchown(os.path.join(parent, name), first_id, first_id)


class Runtime:
    network = True

    def __init__(self, work, tag, payload):
        self.tag = f"{tag}-{self.name}"  # names this run's cgroups
        self.work = f"{work}/{self.name}"
        self.payload = payload
        os.makedirs(self.work)

    def rootfs(self, name):
        return f"{self.work}/{name}/rootfs"

    def init_has_run(self, name):
        """The payload's time stamp in ns, 0 when it did not run."""
        with open(f"{self.rootfs(name)}/stamp", encoding="ascii") as file:
            return int(file.read() or 0)

    def forget(self, name):
        with open(f"{self.rootfs(name)}/stamp", "w", encoding="ascii"):
            pass


class Sysc(Runtime):
    name = "sysc"

    def __init__(self, work, tag, payload):
        super().__init__(work, tag, payload)
        self.program = os.environ["top_builddir"] + "/src/sysc"
        os.environ.update(SYSC_PATH=self.work, SYSC_RUN=f"/run/{tag}", SYSC_LOG=f"{work}/sysc-log",
                          SYSC_CACHE=f"{work}/sysc-cache", SYSC_ETC=f"{work}/sysc-etc", SYSC_CGROUP=self.tag)
        self.archive = f"{work}/payload.tar"
        make_tree(f"{work}/tree", payload)
        run("tar", "-C", f"{work}/tree", "-cf", self.archive, ".")

    def version(self):
        return run(self.program, "--version").strip()

    def make(self, name, address):
        settings = [f"network.eth0.bridge={BRIDGE}", f"network.eth0.address={address}", f"limits.memory={MEMORY}",
                    f"limits.pids={PIDS}", f"limits.cpus={CPUS}"]
        options = [word for setting in settings for word in ("-s", setting)]
        run(self.program, "create", "-q", "-t", "local", *options, name, "--", "--rootfs", self.archive)

    def start(self, name):
        return [self.program, "start", name]

    def stop(self, name):
        return [self.program, "stop", "-k", name]

    def attach(self, name):
        return [self.program, "attach", name, "--", "/bin/true"]

    def list(self):
        return [self.program, "ls", "-f"]

    def info(self, name):
        return [self.program, "info", "-s", name]


class Lxc(Runtime):
    name = "lxc"
    first_id = 1500000000

    def __init__(self, work, tag, payload):
        super().__init__(work, tag, payload)
        # newuidmap, which LXC calls for root too, allows what these files list; only this mount namespace sees them
        for path in ("/etc/subuid", "/etc/subgid"):
            own = f"{work}/{os.path.basename(path)}"
            with open(path, encoding="ascii") as old, open(own, "w", encoding="ascii") as new:
                new.write(old.read() + f"root:{self.first_id}:65536\n")
            run("mount", "--bind", own, path)

    def version(self):
        return "LXC " + run("lxc-start", "--version").strip()

    def make(self, name, address):
        make_tree(self.rootfs(name), self.payload)
        give_tree(self.rootfs(name), self.first_id)
        os.chmod(f"{self.work}/{name}", 0o755)
        config = f"""
lxc.include = /usr/share/lxc/config/common.conf
lxc.include = /usr/share/lxc/config/userns.conf
lxc.rootfs.path = dir:{self.rootfs(name)}
lxc.uts.name = {name}
lxc.init.cmd = /sbin/init
lxc.hook.mount =
lxc.hook.post-stop =
lxc.apparmor.profile = unconfined
lxc.idmap = u 0 {self.first_id} 65536
lxc.idmap = g 0 {self.first_id} 65536
lxc.cap.drop = mac_admin mac_override sys_time sys_module sys_rawio
lxc.net.0.type = veth
lxc.net.0.link = {BRIDGE}
lxc.net.0.flags = up
lxc.net.0.name = eth0
lxc.net.0.ipv4.address = {address}
lxc.cgroup.dir.container = {self.tag}/{name}.payload
lxc.cgroup.dir.monitor = {self.tag}/{name}.monitor
lxc.cgroup.dir.monitor.pivot = {self.tag}/pivot
"""
        if os.path.isdir("/sys/fs/cgroup/memory"):
            limits = {"memory.limit_in_bytes": MEMORY, "pids.max": PIDS, "cpu.cfs_period_us": 100000,
                      "cpu.cfs_quota_us": int(CPUS * 100000)}
            config += "".join(f"lxc.cgroup.{key} = {value}\n" for key, value in limits.items())
        else:
            config += (f"lxc.cgroup2.memory.max = {MEMORY}\nlxc.cgroup2.pids.max = {PIDS}\n"
                       f"lxc.cgroup2.cpu.max = {int(CPUS * 100000)} 100000\n")
        with open(f"{self.work}/{name}/config", "w", encoding="ascii") as file:
            file.write(config)

    def start(self, name):
        return ["lxc-start", "-P", self.work, "-n", name]

    def stop(self, name):
        return ["lxc-stop", "-k", "-P", self.work, "-n", name]

    def attach(self, name):
        return ["lxc-attach", "-P", self.work, "-n", name, "--", "/bin/true"]

    def list(self):
        return ["lxc-ls", "-P", self.work, "-f"]

    def info(self, name):
        return ["lxc-info", "-s", "-H", "-P", self.work, "-n", name]


class Crun(Runtime):
    name = "crun"
    network = False
    first_id = 1600000000
    denied = ["kexec_load", "open_by_handle_at", "init_module", "finit_module", "delete_module", "bpf",
              "perf_event_open", "add_key", "keyctl", "request_key", "swapon", "swapoff", "acct"]
    kept = ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID",
            "CAP_SETUID", "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL",
            "CAP_AUDIT_WRITE", "CAP_SYS_ADMIN", "CAP_NET_ADMIN", "CAP_SYS_BOOT"]

    def __init__(self, work, tag, payload):
        super().__init__(work, tag, payload)
        # crun refuses a hybrid host whose v2 part has any controller (hugetlb, say): it is shown none
        controllers = "/sys/fs/cgroup/unified/cgroup.controllers"
        if os.path.exists(controllers):
            run("mount", "--bind", "/dev/null", controllers)

    def version(self):
        return run("crun", "--version").splitlines()[0]

    def command(self, *words):
        return ["crun", "--root", f"{self.work}/.state", "--cgroup-manager=cgroupfs", *words]

    def make(self, name, address):
        make_tree(self.rootfs(name), self.payload)
        give_tree(self.rootfs(name), self.first_id)
        mapping = [{"containerID": 0, "hostID": self.first_id, "size": 65536}]
        capabilities = {which: self.kept for which in ("bounding", "effective", "permitted")}
        spec = {
            "ociVersion": "1.0.2", "hostname": name,
            "process": {"args": ["/sbin/init"], "cwd": "/", "user": {"uid": 0, "gid": 0},
                        "env": ["PATH=/sbin:/bin"], "capabilities": capabilities, "noNewPrivileges": False},
            "root": {"path": "rootfs", "readonly": False},
            "mounts": [
                {"destination": "/proc", "type": "proc", "source": "proc"},
                {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
                {"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["newinstance", "ptmxmode=0666"]},
                {"destination": "/dev/shm", "type": "tmpfs", "source": "shm"},
                {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["ro"]}],
            "linux": {
                "namespaces": [{"type": kind} for kind in ("pid", "mount", "uts", "ipc", "cgroup", "user", "network")],
                "uidMappings": mapping, "gidMappings": mapping, "cgroupsPath": f"/{self.tag}/{name}",
                "resources": {"memory": {"limit": MEMORY}, "pids": {"limit": PIDS},
                              "cpu": {"quota": int(CPUS * 100000), "period": 100000}},
                "seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"] if os.uname().machine == "x86_64" else [],
                            "syscalls": [{"names": self.denied, "action": "SCMP_ACT_ERRNO"}]}}}
        with open(f"{self.work}/{name}/config.json", "w", encoding="ascii") as file:
            json.dump(spec, file)

    def start(self, name):
        return self.command("run", "-d", "-b", f"{self.work}/{name}", name)

    def stop(self, name):
        return self.command("delete", "-f", name)

    def attach(self, name):
        return self.command("exec", name, "/bin/true")

    def list(self):
        return self.command("list")

    def info(self, name):
        return self.command("state", name)


def present():
    """The runtimes that are on this machine."""
    found = []
    if os.access(os.environ["top_builddir"] + "/src/sysc", os.X_OK):
        found.append(Sysc)
    found += [kind for kind, program in ((Lxc, "lxc-start"), (Crun, "crun")) if shutil.which(program)]
    only = os.environ.get("BENCH_ONLY", "").split()
    return [kind for kind in found if not only or kind.name in only]
