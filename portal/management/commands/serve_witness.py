"""`manage.py serve_witness`: be a witness of logs that bring their checkpoints."""

from django.core.management.base import CommandError

from portal.management.arguments import PORT
from portal.management.base import BaseCommand, Options, utc_now
from portal.management.witness_arguments import WITNESS, told_keys
from witness.folder import Folder, open_folder
from witness.server import WitnessServer


class Command(BaseCommand[Folder]):
    help = (
        "Be a witness for logs that bring their checkpoints: answer add-checkpoint of C2SP "
        "tlog-witness on this machine, until interrupted. Needs no database. `witness` fetches "
        "instead, and needs no address that a log can reach."
    )
    takes = (*WITNESS, PORT)

    def run(self, options: Options) -> Folder:
        told = told_keys(options.log_key)
        folder = open_folder(options.folder, options.name)
        for key in told:
            folder.log(key.name).trust([key])
        return folder

    def lines(self, outcome: Folder, options: Options) -> tuple[()]:
        return ()  # where it answers is said once it does

    def go_on(self, outcome: Folder, options: Options) -> None:
        try:
            server = WitnessServer(outcome, "127.0.0.1", options.port, utc_now)
        except (OSError, OverflowError) as error:
            raise CommandError(f"--port {options.port}: {error}; name another") from None
        with server:
            self.stdout.write(
                f"{outcome.witness.key} answers at http://127.0.0.1:{server.server_port}/"
                "add-checkpoint (stop it with Ctrl-C)"
            )
            self.stdout.flush()
            server.serve_forever()
