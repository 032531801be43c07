"""Servers and clients over unix sockets, asyncio, multiprocessing; the output is the same everywhere."""
import array
import asyncio
import multiprocessing
import os
import selectors
import socket
import socketserver
import sys
import tempfile
import threading


def square(number):
    return number * number


def put_many(queue, first):
    for number in range(first, first + 100):
        queue.put(number)


def talk(connection):
    while (word := connection.recv()) is not None:
        connection.send(word[::-1])
    connection.close()


def servers(folder):
    path = f"{folder}/server"

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            for line in self.rfile:
                self.wfile.write(line.upper())

    with socketserver.ThreadingUnixStreamServer(path, Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        answers = []
        for i in range(20):
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(path)
                client.sendall(b"line %d\nsecond\n" % i)
                client.shutdown(socket.SHUT_WR)
                answers.append(b"".join(iter(lambda: client.recv(7), b"")))
        server.shutdown()
    print("server", len(answers), answers[0], answers[-1])


def descriptors():
    one, other = socket.socketpair()
    with tempfile.TemporaryFile() as file:
        file.write(b"through a socket")
        socket.send_fds(one, [b"x"], [file.fileno()])
    data, fds, flags, _ = socket.recv_fds(other, 10, 4)
    print("descriptors", data, len(fds), flags, os.pread(fds[0], 100, 0))
    one.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    other.send(b"who")
    data, control, flags, _ = one.recvmsg(10, socket.CMSG_SPACE(12))
    pid, uid, gid = array.array("i", control[0][2])
    print("credentials", data, pid == os.getpid(), uid == os.getuid(), gid == os.getgid())


def selecting():
    pairs = [socket.socketpair() for _ in range(10)]
    with selectors.DefaultSelector() as selector:
        for number, (one, other) in enumerate(pairs):
            one.setblocking(False)
            selector.register(one, selectors.EVENT_READ, number)
            other.send(bytes([number]))
        seen = set()
        while len(seen) < 10:
            for key, _ in selector.select(10):
                seen.add((key.data, key.fileobj.recv(9)))
        print("selected", sorted(seen))
    try:
        pairs[0][0].recv(1)
    except BlockingIOError as error:
        print(error)
    pairs[0][1].settimeout(0.05)
    try:
        pairs[0][1].recv(1)
    except TimeoutError as error:
        print(error)


async def asynchronous(folder):
    async def serve(reader, writer):
        while line := await reader.readline():
            writer.write(line[::-1].lstrip() + b"\n")
            await writer.drain()
        writer.close()

    async def ask(number):
        reader, writer = await asyncio.open_unix_connection(f"{folder}/async")
        for i in range(5):
            writer.write(b"%d-%d\n" % (number, i))
        writer.write_eof()
        answer = await reader.read()
        writer.close()
        return answer

    server = await asyncio.start_unix_server(serve, f"{folder}/async")
    async with server:
        answers = await asyncio.gather(*(ask(i) for i in range(25)))
    print("async", len(answers), answers[3])
    process = await asyncio.create_subprocess_exec("sort", "-r", stdin=-1, stdout=-1)
    print("subprocess", (await process.communicate(b"a\nc\nb\n"))[0], process.returncode)
    loop = asyncio.get_running_loop()
    print("executor", await loop.run_in_executor(None, square, 12))
    try:
        await asyncio.wait_for(asyncio.sleep(30), 0.05)
    except asyncio.TimeoutError:
        print("time-out")


def pool(context):
    with context.Pool(3) as workers:
        print("pool", sum(workers.map(square, range(200))))


def queue(context):
    numbers = context.Queue()
    workers = [context.Process(target=put_many, args=(numbers, 1000 * i)) for i in range(3)]
    for worker in workers:
        worker.start()
    total = sum(numbers.get() for _ in range(300))
    for worker in workers:
        worker.join()
    print("queue", total, [worker.exitcode for worker in workers])


def pipe(context):
    mine, theirs = context.Pipe()
    worker = context.Process(target=talk, args=(theirs,))
    worker.start()
    mine.send("hello" * 1000)
    print("pipe", mine.recv()[:10])
    mine.send(None)
    worker.join()


def main():
    with tempfile.TemporaryDirectory() as folder:
        servers(folder)
        descriptors()
        selecting()
        asyncio.run(asynchronous(folder))
    for work, method in (pool, "fork"), (queue, "fork"), (pipe, "spawn"), (pool, "forkserver"):
        work(multiprocessing.get_context(method))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
