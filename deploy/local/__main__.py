"""``python -m deploy.local up|down|status|hold|resume``: Betang on this machine.

The state folder is ``.betang`` in the checkout, or ``BETANG_STATE``.
"""

import argparse
import contextlib
import json
import os
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from types import FrameType

from rich.console import Console

from deploy.local import process
from deploy.local.report import print_report, print_status
from deploy.local.supervisor import answers
from deploy.local.system import ROOT, System
from deploy.nats.claims import write_secret

FAMILIES = 5_000
TEND_S = 0.3
DOWN_TIMEOUT_S = 90.0
console = Console()


def state_folder() -> Path:
    """Return the folder of all data, keys and logs."""
    return Path(os.environ.get("BETANG_STATE") or ROOT / ".betang").resolve()


def running_file(state: Path) -> Path:
    """Return the file that says where everything is, while it runs."""
    return state / "running.json"


class Stopped(BaseException):
    """Somebody asked us to stop: Ctrl-C, ``make down``, a closed terminal."""


def _stop(number: int, _: FrameType | None) -> None:
    # Only once: stopping is under way then, and its waits are bounded.
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    raise Stopped(signal.Signals(number).name)


def up(families: int) -> int:
    """Start everything, load the demo where there are no data, stay until stopped."""
    state = state_folder()
    system = System(
        state, lambda text: console.print(f"[dim]{time.strftime('%H:%M:%S')}[/] {text}")
    )
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, _stop)
    try:
        system.start()
        _write_running(system)
        if families:
            _load(system, families)
        print_report(console, system)
        while True:
            system.tend()
            time.sleep(TEND_S)
    except Stopped as stopped:
        console.print(f"\n{stopped}: everything stops; the data stay in {state}")
    except process.StartError as error:
        console.print(f"[red]Betang did not start:[/] {error}")
        return 1
    finally:
        running_file(state).unlink(missing_ok=True)
        system.stop()
    return 0


def down() -> int:
    """Stop what ``up`` started, or what a killed ``up`` left."""
    state = state_folder()
    pid = _supervisor(state)
    if pid is None:
        console.print("Betang does not run")
        return 0
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + DOWN_TIMEOUT_S
    while process.command_of(pid):
        if time.monotonic() > deadline:
            console.print(f"[red]pid {pid} did not stop[/]; see {state / 'log'}")
            return 1
        time.sleep(process.POLL_S)
    console.print("stopped")
    return 0


def status() -> int:
    """Say what runs and where. Exit code 0 when everything answers."""
    state = state_folder()
    if _supervisor(state) is None or not running_file(state).exists():
        console.print("Betang does not run (or is still starting)")
        return 1
    running = json.loads(running_file(state).read_text())
    health = {name: answers(url) for name, url in running["health"].items()}
    print_status(console, running, health)
    return 0 if all(health.values()) else 1


def hold(part: str, *, held: bool) -> int:
    """Stop one part and leave it stopped (or let it run again)."""
    file = state_folder() / "held" / part
    if held:
        file.parent.mkdir(exist_ok=True)
        file.touch()
    else:
        file.unlink(missing_ok=True)
    return 0


def _supervisor(state: Path) -> int | None:
    with contextlib.suppress(OSError, ValueError):
        pid = int((state / "supervisor.pid").read_text())
        if "deploy.local" in process.command_of(pid):
            return pid
    return None


def _write_running(system: System) -> None:
    told = {
        "gateway_url": system.gateway_url,
        "issuer_url": system.issuer_url,
        "nats_url": system.nats_url,
        "authority": str(system.authority.folder),
        "secrets": str(system.secrets.folder),
        "databases": {service: urls.app for service, urls in system.databases.items()},
        "health": system.supervisor.health_urls(),
    }
    write_secret(running_file(system.state), json.dumps(told, indent=2))


def _load(system: System, families: int) -> None:
    """Load the synthetic regency where there are no data, looking after the parts meanwhile."""
    from deploy.demo import load  # noqa: PLC0415 - heavy, and not needed for down and status

    faults: list[Exception] = []

    def work() -> None:
        try:
            load.main(system, families, console)
        except Exception as error:  # noqa: BLE001 - told below; the system stays up for a look
            (system.logs / "demo.log").write_text(traceback.format_exc())
            faults.append(error)

    # The load is beside and the looking after is here, because parts end with the thread that
    # started them. A daemon, so that Ctrl-C need not wait for the load.
    loading = threading.Thread(target=work, daemon=True)
    loading.start()
    while loading.is_alive():
        system.tend()
        time.sleep(TEND_S)
    for fault in faults:
        console.print(f"[red]The synthetic regency was not loaded:[/] {fault!r}")
        console.print(f"It goes on at the next start. See {system.logs / 'demo.log'}")


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    starting = commands.add_parser("up", help="start everything and stay")
    starting.add_argument(
        "--families",
        type=int,
        default=int(os.environ.get("FAMILIES", str(FAMILIES))),
        help="size of the synthetic regency, loaded when there are no data; 0 loads nothing",
    )
    commands.add_parser("down", help="stop everything")
    commands.add_parser("status", help="say what runs")
    for name in ("hold", "resume"):
        holding = commands.add_parser(name, help=f"{name} one part, for trying what then happens")
        holding.add_argument("part")
    chosen = parser.parse_args()
    if chosen.command == "up":
        return up(chosen.families)
    if chosen.command == "down":
        return down()
    if chosen.command == "status":
        return status()
    return hold(chosen.part, held=chosen.command == "hold")


if __name__ == "__main__":
    sys.exit(main())
