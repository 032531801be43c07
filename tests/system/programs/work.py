"""Subprocesses, threads, files, signals and sockets of one machine; the output is the same everywhere."""
import collections
import hashlib
import os
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time


def subprocesses():
    done = subprocess.run(["cat"], input=b"abc" * 50000, stdout=subprocess.PIPE, check=True)
    print("cat", len(done.stdout), hashlib.sha256(done.stdout).hexdigest())
    print("status", subprocess.call(["sh", "-c", "exit 42"]))
    print("signal", subprocess.Popen(["sh", "-c", "kill -9 $$"]).wait())
    first = subprocess.Popen(["seq", "1", "10000"], stdout=subprocess.PIPE)
    second = subprocess.Popen(["sort", "-rn"], stdin=first.stdout, stdout=subprocess.PIPE)
    first.stdout.close()
    print("pipeline", second.communicate()[0].split()[:3])
    many = [subprocess.Popen(["sh", "-c", f"echo {i}"], stdout=subprocess.PIPE) for i in range(20)]
    print("many", sum(int(child.communicate()[0]) for child in many))
    try:
        subprocess.run(["sleep", "60"], timeout=0.2)
    except subprocess.TimeoutExpired:
        print("time-out")
    try:
        subprocess.run(["/no/such/program"])
    except FileNotFoundError as error:
        print(error)


def threads():
    work, results, lock, arrived = collections.deque(), [], threading.Lock(), threading.Semaphore(0)

    def worker():
        while arrived.acquire() and (item := work.popleft()) is not None:
            digest = hashlib.sha1(struct.pack("<Q", item) * 100).hexdigest()
            with lock:
                results.append((item, digest))

    crew = [threading.Thread(target=worker) for _ in range(8)]
    for thread in crew:
        thread.start()
    for item in range(5000):
        work.append(item)
        arrived.release()
    for _ in crew:
        work.append(None)
        arrived.release()
    for thread in crew:
        thread.join()
    print("threads", len(results), hashlib.sha1(repr(sorted(results)).encode()).hexdigest())
    barrier, total = threading.Barrier(4), []

    def meet(number):
        for _ in range(50):
            barrier.wait()
        total.append(number)

    crew = [threading.Thread(target=meet, args=(i,)) for i in range(4)]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()
    print("barrier", sorted(total))
    event = threading.Event()
    threading.Timer(0.05, event.set).start()
    print("event", event.wait(10))


def files():
    with tempfile.TemporaryDirectory() as folder:
        for i in range(300):
            os.makedirs(f"{folder}/{i % 10}", exist_ok=True)
            with open(f"{folder}/{i % 10}/{i}", "w") as file:
                file.write(str(i) * i)
        sizes = sorted(os.path.getsize(os.path.join(where, name)) for where, _, names in os.walk(folder) for name in names)
        print("files", len(sizes), sum(sizes), sizes[-1])
        os.symlink("0", f"{folder}/link")
        os.rename(f"{folder}/9", f"{folder}/ten")
        print(sorted(os.listdir(folder)), os.readlink(f"{folder}/link"))
        with open(f"{folder}/big", "wb+") as file:
            file.truncate(1 << 30)
            file.seek(1 << 29)
            file.write(b"middle")
            file.seek((1 << 29) - 3)
            print(file.read(12), os.path.getsize(f"{folder}/big"))


def signals():
    seen = []
    signal.signal(signal.SIGUSR1, lambda number, frame: seen.append(number))
    for _ in range(10):
        os.kill(os.getpid(), signal.SIGUSR1)
    signal.signal(signal.SIGALRM, lambda number, frame: seen.append(number))
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    time.sleep(0.3)
    print("signals", seen)


def forks():
    reader, writer = os.pipe()
    for i in range(10):
        if os.fork() == 0:
            os.write(writer, bytes([i]))
            os._exit(i)
    statuses = sorted(os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(10))
    print("forks", statuses, sorted(os.read(reader, 100)))


for part in (subprocesses, threads, files, signals, forks):
    part()
    sys.stdout.flush()
sys.exit(9)
