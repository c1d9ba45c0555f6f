"""Payment callbacks, signed as a shop's server signs them."""

import hashlib
import hmac
import json
import random
import socket
import threading
import time

from footfall import Footfall

LANES = 32


class Orders:
    """Orders of two products by random users, told once each over keep-alive connections, as fast as they go."""

    def __init__(self, server: Footfall, secret: str, products: int, users: int):
        self.server, self.secret, self.products, self.users = server, secret, products, users

    def request(self, number: int, chance: random.Random) -> bytes:
        body = json.dumps({
            "order_id": f"o{number}", "user_id": f"u{chance.randrange(self.users):07d}", "status": "paid", "currency": "EUR",
            "total": "21.00", "items": [
                {"product_id": f"550e8400-e29b-41d4-a716-{chance.randrange(self.products):012d}", "quantity": 1,
                 "price": "10.50"} for _ in range(2)]}).encode()
        stamp = str(int(time.time()))
        sign = hmac.new(self.secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        head = (f"POST /orders/payment/callback HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self.server.key}\r\n"
                f"Content-Type: application/json\r\nX-Signature: t={stamp},v1={sign}\r\nContent-Length: {len(body)}\r\n\r\n")
        return head.encode() + body

    def run(self, seconds: float) -> dict:
        end = time.monotonic() + seconds
        stored, errors = [0] * LANES, []

        def lane(place: int) -> None:
            chance = random.Random(place)
            number = place
            try:
                with socket.create_connection(("127.0.0.1", self.server.port), timeout=60) as connection:
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    while time.monotonic() < end:
                        connection.sendall(self.request(number, chance))
                        answer = connection.recv(65536)
                        while b"}" not in answer:
                            answer += connection.recv(65536)
                        if b'"result":"stored"' not in answer:
                            raise RuntimeError(f"an order was answered with {answer[:400]!r}")
                        stored[place] += 1
                        number += LANES
            except Exception as error:
                errors.append(error)

        before = self.server.cpu()
        threads = [threading.Thread(target=lane, args=(place,)) for place in range(LANES)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]
        total = sum(stored)
        return {"orders_per_s": total / seconds, "orders": total, "cpu_us_per_order": (self.server.cpu() - before) / total * 1e6}
