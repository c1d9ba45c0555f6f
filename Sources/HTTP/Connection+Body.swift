internal import Synchronization

extension Connection {
    /// A body's memory of up to so many bytes stays with the connection and is not counted.
    static let smallBody = 16 << 10

    /// Brings the server's count of buffered bytes up to date; false when it is over its limit and this body is part
    /// of it.
    @discardableResult
    func countBuffered() -> Bool {
        let bytes = body.capacity > Self.smallBody ? body.capacity : 0
        guard bytes != countedBytes else { return true }
        let total = server.bufferedBytes.add(bytes - countedBytes, ordering: .relaxed).newValue
        countedBytes = bytes
        return bytes == 0 || total <= server.configuration.maximumBufferedBytes
    }

    /// A piece of the body, as sent. False ends the connection.
    func receive(_ piece: UnsafeRawBufferPointer) -> Bool {
        receivedBodyBytes += piece.count
        noteProgress(receivedBodyBytes)
        switch stage {
        case .discarding:
            discardedBytes += piece.count
            guard discardedBytes > Self.discardLimit else { return true }
            if let reply { answerAndClose(reply) }
            return false
        case .body:
            guard receivedBodyBytes <= limit else { return refuseRest(tooLarge()) }
            guard let inflater else {
                return body.append(piece) && (countBuffered() || refuseRest(overloaded()))
            }
            let outcome = inflater.inflate(piece, onto: &body, limit: limit)
            guard countBuffered() else { return refuseRest(overloaded()) }
            switch outcome {
            case .more: return true
            case .tooLarge: return refuseRest(tooLarge())
            case .malformed: return refuseRest(malformedEncoding())
            case .outOfMemory: return false
            }
        case .headers, .suspending, .suspended, .answered: return false
        }
    }

    private func overloaded() -> HTTPResponse {
        var response = problem(503, HTTPProblemCode.overloaded, "Too many large bodies at once; try again.")
        response.headers.append(("Retry-After", "1"))
        return response
    }

    private func malformedEncoding() -> HTTPResponse {
        problem(400, HTTPProblemCode.malformedEncoding, "The body is not one whole gzip stream.")
    }

    /// The body so far is enough to know the answer.
    private func refuseRest(_ response: HTTPResponse) -> Bool {
        body.clear(keeping: 0)
        countBuffered()
        if let length = framing.contentLength, length - receivedBodyBytes > Self.discardLimit {
            answerAndClose(response)
            return false
        }
        return discardRest(response)
    }

    /// The request is complete. False ends the connection.
    func complete() -> Bool {
        switch stage {
        case .body:
            if let inflater, !inflater.isComplete { return queue(malformedEncoding()) }
            // A body needs its padding even when it is empty.
            guard body.reserve(0), enter(.handling) else { return false }
            guard !server.isRefusing else { return queue(server.stoppingResponse(for: self)) }
            let request = HTTPRequest(head: HTTPRequestHead(connection: self))
            switch server.handler.handle(request) {
            case .respond(let response): return queue(response)
            case .suspend(let start):
                guard let exchange = beginExchange() else { return queue(server.stoppingResponse(for: self)) }
                // The library learns of it at its next call, with the connection then in a state in which it does not
                // read: a client that has closed its sending side still gets its answer.
                stage = .suspending
                start(exchange)
                return true
            }
        case .discarding:
            guard let reply else { return false }
            return queue(reply)
        case .suspending: return suspendOrAnswer()
        case .suspended: return answerIfReady()
        case .headers, .answered: return false
        }
    }
}
