internal import CMicroHTTPD
internal import Synchronization

/// The hand-over of a suspended request's answer. `exchangeWord` holds the exchange's number above three flags:
///
/// * claimed: someone is giving, or has given, the answer; nobody else may;
/// * ready: the answer is in `reply`, or `replyMaker` makes it;
/// * suspended: the library has been told to leave the connection alone.
///
/// Whoever sets the second of *ready* and *suspended* sees to it that the library goes on.
extension Connection {
    private static let claimed: UInt64 = 1
    private static let ready: UInt64 = 2
    private static let suspended: UInt64 = 4
    private static let numberShift: UInt64 = 3

    /// Starts an exchange; nil when the server is stopping.
    func beginExchange() -> HTTPExchange? {
        guard server.exchanges.begin() else { return nil }
        let number = (exchangeWord.load(ordering: .relaxed) >> Self.numberShift) &+ 1
        exchangeWord.store(number << Self.numberShift, ordering: .releasing)
        return HTTPExchange(connection: self, generation: number)
    }

    /// Takes the right to answer.
    private func claim(_ number: UInt64) -> Bool {
        var word = exchangeWord.load(ordering: .relaxed)
        while word >> Self.numberShift == number && word & Self.claimed == 0 {
            let (exchanged, current) = exchangeWord.weakCompareExchange(
                expected: word, desired: word | Self.claimed, ordering: .acquiringAndReleasing)
            if exchanged { return true }
            word = current
        }
        return false
    }

    func isUnanswered(_ number: UInt64) -> Bool {
        let word = exchangeWord.load(ordering: .relaxed)
        return word >> Self.numberShift == number && word & Self.claimed == 0
    }

    @discardableResult
    func resume(_ number: UInt64, with response: HTTPResponse) -> Bool {
        resume(number) { reply = response }
    }

    @discardableResult
    func resume(_ number: UInt64, making response: @escaping @Sendable () -> HTTPResponse) -> Bool {
        resume(number) { replyMaker = response }
    }

    private func resume(_ number: UInt64, _ answer: () -> Void) -> Bool {
        guard claim(number) else { return false }
        answer()
        let old = exchangeWord.bitwiseOr(Self.ready, ordering: .acquiringAndReleasing).oldValue
        if old & Self.suspended != 0 { worker.resume(self) }
        server.exchanges.end()
        return true
    }

    /// Answers whatever exchange is open; for a server that does not wait any longer.
    func resumeAny(with response: HTTPResponse) {
        resume(exchangeWord.load(ordering: .acquiring) >> Self.numberShift, with: response)
    }

    /// The library's call after `handle`: suspend, unless the answer is there already.
    func suspendOrAnswer() -> Bool {
        if exchangeWord.load(ordering: .acquiring) & Self.ready != 0 { return answerIfReady() }
        stage = .suspended
        MHD_suspend_connection(handle)
        let old = exchangeWord.bitwiseOr(Self.suspended, ordering: .acquiringAndReleasing).oldValue
        // Not the library's own call: without a listening socket it does not wake whoever polls for it.
        if old & Self.ready != 0 { worker.resume(self) }
        return true
    }

    func answerIfReady() -> Bool {
        guard exchangeWord.load(ordering: .acquiring) & Self.ready != 0 else { return true }
        guard let response = reply ?? replyMaker?() else { return false }
        replyMaker = nil
        return queue(response)
    }

    /// The connection ended before the library was told to suspend it: nobody is to answer any more.
    func abandonExchange() {
        let word = exchangeWord.load(ordering: .acquiring)
        guard word != 0, claim(word >> Self.numberShift) else { return }
        server.exchanges.end()
    }
}

/// Counts the exchanges that wait for an answer, and can be closed to new ones.
final class ExchangeGate: Sendable {
    private static let closed = Int.min / 2
    private let count = Atomic<Int>(0)

    var waiting: Int {
        let value = count.load(ordering: .sequentiallyConsistent)
        return value < 0 ? value - Self.closed : value
    }

    func begin() -> Bool {
        let value = count.add(1, ordering: .sequentiallyConsistent).newValue
        if value > 0 { return true }
        count.subtract(1, ordering: .sequentiallyConsistent)
        return false
    }

    func end() { count.subtract(1, ordering: .sequentiallyConsistent) }

    func close() { count.add(Self.closed, ordering: .sequentiallyConsistent) }
}
