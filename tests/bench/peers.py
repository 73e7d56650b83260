# SPDX-License-Identifier: MIT
"""Other ways for processes to share things, and how each is made ready.

What cannot be made ready is told once, and its side is missing from the rows.
"""

import contextlib
import importlib
import multiprocessing
import os
import shutil
import subprocess
import tempfile
import time
from multiprocessing import resource_tracker
from multiprocessing import shared_memory as stock

import measure

# Debian's redis-tools has the server's program under this name; the package
# redis-server would start a service on the user's machine.
SERVERS = ("redis-server", "redis-check-rdb")


def forget(block):
    """Stock takes every attacher for an owner; here it must not."""
    resource_tracker.unregister(block._name, "shared_memory")


def stock_list(values):
    return stock.ShareableList(values)


class Peers(contextlib.ExitStack):
    """`with Peers(wanted) as peers`: each method is a peer or None."""

    def __init__(self, wanted=True):
        super().__init__()
        self.wanted = wanted
        self.told = set()

    def missing(self, name, error):
        if name not in self.told:
            self.told.add(name)
            words = str(error).strip() or type(error).__name__
            measure.missing(name, words.splitlines()[0])

    def ready(self, name, make):
        if not self.wanted:
            return None
        try:
            return make()
        except Exception as error:  # whatever a peer has against it
            self.missing(name, error)
            return None

    def module(self, name, module):
        return self.ready(name, lambda: importlib.import_module(module))

    # ------------------------------------------------------- standard library

    def manager(self):
        """multiprocessing's own: a process that has the objects."""
        return self.ready(
            "Manager", lambda: self.enter_context(multiprocessing.Manager())
        )

    # ------------------------------------------------------------------ peers

    def folder(self):
        """In memory, as the others are."""
        path = tempfile.mkdtemp(prefix="polyshm-bench-", dir="/dev/shm")
        self.callback(shutil.rmtree, path, ignore_errors=True)
        return path

    def lmdb_path(self):
        """A database without syncs, in memory: its fastest."""

        def make():
            importlib.import_module("lmdb")
            return self.folder()

        return self.ready("LMDB", make)

    def lmdb(self, path=None):
        path = path or self.lmdb_path()
        if path is None:
            return None

        def make():
            environment = open_lmdb(path)
            self.callback(environment.close)
            return environment

        return self.ready("LMDB", make)

    def redis_socket(self):
        def make():
            importlib.import_module("redis")
            program = next(filter(None, map(shutil.which, SERVERS)), None)
            if program is None:
                raise OSError("there is no redis-server")
            folder = tempfile.mkdtemp(prefix="polyshm-bench-")
            self.callback(shutil.rmtree, folder, ignore_errors=True)
            path = os.path.join(folder, "redis")
            server = subprocess.Popen(
                ["redis-server", "--port", "0", "--unixsocket", path,
                 "--save", "", "--appendonly", "no", "--dir", folder],
                executable=program, stdout=subprocess.DEVNULL,
                stdin=subprocess.DEVNULL,
            )  # fmt: skip
            self.callback(end, server)
            wait_for(path, server)
            return path

        return self.ready("Redis", make)

    def redis(self, path=None):
        path = path or self.redis_socket()
        if path is None:
            return None

        def make():
            client = open_redis(path)
            self.callback(client.close)
            return client

        return self.ready("Redis", make)

    def ultradict(self, *arguments, **options):
        def make():
            made = import_ultradict()(*arguments, **options)
            self.callback(made.unlink)
            return made

        return self.ready("UltraDict", make)

    def shared_array(self, count, kind):
        """A numpy array in shared memory."""

        def make():
            module = importlib.import_module("SharedArray")
            name = f"shm://polyshm-bench-{os.getpid()}-{time.monotonic_ns()}"
            array = module.create(name, count, kind)
            self.callback(module.delete, name)
            return name, array

        return self.ready("SharedArray", make)

    def posix_ipc(self):
        return self.module("posix_ipc", "posix_ipc")

    def iceoryx2(self):
        """Its module and the configuration of a domain of its own, whose files
        go when we go."""

        def make():
            module = importlib.import_module("iceoryx2")
            module.set_log_level(module.LogLevel.Error)
            folder = tempfile.mkdtemp(prefix="polyshm-bench-")
            self.callback(shutil.rmtree, folder, ignore_errors=True)
            configuration = module.config.default()
            shared = configuration.global_cfg
            shared.root_path = module.Path.new(folder)
            prefix = f"polyshm-bench-{os.getpid()}_"
            shared.prefix = module.FileName.new(prefix)
            self.callback(remove_files, "/dev/shm", prefix)
            return module, configuration

        return self.ready("iceoryx2", make)


def open_lmdb(path):
    import lmdb

    return lmdb.open(
        path, map_size=1 << 30, sync=False, metasync=False, writemap=True
    )


def open_redis(path):
    import redis

    client = redis.Redis(unix_socket_path=path)
    client.ping()
    return client


def import_ultradict():
    """It replaces parts of Python's resource tracker when it is imported, which
    would make stock Python's blocks cheaper than they are."""
    kept = resource_tracker.register, resource_tracker.unregister
    functions = dict(resource_tracker._CLEANUP_FUNCS)
    module = importlib.import_module("UltraDict")
    resource_tracker.register, resource_tracker.unregister = kept
    resource_tracker._CLEANUP_FUNCS.update(functions)
    return module.UltraDict


def remove_files(folder, prefix):
    """What a killed process of ours has left there."""
    for name in os.listdir(folder):
        if name.startswith(prefix):
            os.unlink(os.path.join(folder, name))


def end(process):
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_for(path, process):
    for _ in range(500):
        if os.path.exists(path):
            return
        if process.poll() is not None:
            raise OSError(f"redis-server ended with {process.returncode}")
        time.sleep(0.01)
    raise OSError("redis-server does not answer")
