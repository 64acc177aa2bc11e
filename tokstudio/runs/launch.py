"""How the processes of a run are started: one here, several with torchrun, or on a Ray cluster.

What was chosen lies in `launch.json` of the run's folder, so that a resume, the queue and the window start the run the
same way. The folder must be readable under the same path wherever a process of the run works; only the run's first
process writes to it.
"""

import shlex
import sys
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from tokstudio.errors import InputError
from tokstudio.runs.files import read_json, write_json

FILE = "launch.json"
TARGETS = ("local", "torchrun", "ray")


@dataclass(frozen=True)
class Launch:
    """`processes`: on each machine with torchrun, in all on Ray. `endpoint`: HOST:PORT at which the machines meet.
    `address`: of a Ray cluster; http(s) submits a job, anything else is joined; empty: a cluster of this machine."""

    target: str = "local"
    processes: int = 1
    machines: int = 1
    endpoint: str = ""
    address: str = ""

    @property
    def ranks(self) -> int:
        return self.processes * self.machines

    def check(self) -> "Launch":
        """Raises InputError for what does not go together."""
        if self.target not in TARGETS:
            raise InputError(
                f"A run cannot be launched on {self.target!r}.", hint=f"Known: {', '.join(TARGETS)}."
            )
        if self.processes < 1 or self.machines < 1:
            raise InputError("A run has at least one process on at least one machine.")
        if self.target == "local" and self.ranks > 1:
            raise InputError(
                "On this machine alone a run has one process.", hint="Choose --target torchrun for several."
            )
        if self.machines > 1 and (self.target != "torchrun" or not self.endpoint):
            raise InputError(
                "Several machines need torchrun and the address at which they meet.",
                hint="Add --target torchrun --rdzv-endpoint HOST:PORT.",
            )
        if self.address and self.target != "ray":
            raise InputError("An address is for Ray.", hint="Add --target ray.")
        return self

    def words(self) -> str:
        """For people; empty where there is nothing to tell."""
        if self.target == "local":
            return ""
        count = f"{self.ranks} process{'es' if self.ranks != 1 else ''}"
        if self.target == "ray":
            return f"{count} on Ray" + (f" at {self.address}" if self.address else "")
        return count + (f" on {self.machines} machines" if self.machines > 1 else "")

    def command(self, program: list[str], folder: Path, *, resume: bool = False) -> list[str]:
        """What starts the run in `folder`, on this machine. `program`: what starts this program. Raises InputError."""
        again = ["--resume"] if resume else []
        if self.target == "ray":
            return [*program, "ray-run", str(folder), *again]
        if self.target == "local":
            return [*program, "worker", str(folder), *again]
        if getattr(sys, "frozen", False):
            raise InputError(
                "This build of the program starts one process.", hint="Install it with pip for several."
            )
        return [
            sys.executable,
            *("-P", "-X", "utf8", "-m", "torch.distributed.run"),
            *self._torchrun(folder.name),
            *("-m", "tokstudio", "worker", str(folder), *again),
        ]

    def options(self) -> list[str]:
        """Those of `tokstudio launch` and `tokstudio transfer` that mean this."""
        if self == Launch():
            return []
        found = ["--target", self.target, "--nproc-per-node", str(self.processes)]
        found += ["--nnodes", str(self.machines)] if self.machines > 1 else []
        found += ["--rdzv-endpoint", self.endpoint] if self.endpoint else []
        return found + (["--address", self.address] if self.address else [])

    def _torchrun(self, name: str) -> list[str]:
        each = f"--nproc-per-node={self.processes}"
        if self.machines == 1 and not self.endpoint:
            return ["--standalone", each]
        meet = ["--rdzv-backend=c10d", f"--rdzv-endpoint={self.endpoint}", f"--rdzv-id={name}"]
        return [f"--nnodes={self.machines}", each, *meet]

    def shell(self, folder: str = "RUN_FOLDER", *, cards: int = 0) -> dict[str, str]:
        """The same by other launchers, for a shell: name, command. Nothing where there is one process. `cards`: GPUs
        of this machine; accelerate starts several processes on GPUs alone (with `--cpu` it starts one)."""
        if self.ranks == 1 or self.target == "ray":
            return {}
        worker = f"-m tokstudio worker {shlex.quote(folder)}"
        meet = f" --num_machines {self.machines} --machine_rank N" if self.machines > 1 else ""
        if meet:
            host, _, port = self.endpoint.partition(":")
            meet += f" --main_process_ip {host}" + (f" --main_process_port {port}" if port else "")
        found = {"torchrun": f"torchrun {shlex.join(self._torchrun(Path(folder).name))} {worker}"}
        if cards:
            found["accelerate"] = f"accelerate launch --multi_gpu --num_processes {self.ranks}{meet} {worker}"
        return found


def load(folder: Path) -> Launch:
    """That of a run; local where none was chosen. Names that this version does not know are passed over."""
    known, found = {f.name: type(f.default) for f in fields(Launch)}, read_json(folder / FILE)
    return Launch(**{name: value for name, value in found.items() if type(value) is known.get(name)})


def save(folder: Path, launch: Launch) -> None:
    if launch != Launch():
        write_json(folder / FILE, asdict(launch.check()))
