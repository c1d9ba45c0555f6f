/// How a batch of records fared.
public struct SinkAnswer: Sendable, Equatable {
    /// A record that was refused.
    public struct Refusal: Sendable, Equatable {
        /// Its place in the batch, from 0.
        public var index: Int
        /// The stable code.
        public var code: String
        /// The sentence.
        public var message: String

        /// A refusal.
        public init(index: Int, code: String, message: String) {
            self.index = index
            self.code = code
            self.message = message
        }
    }

    /// Records newly stored.
    public var stored: Int
    /// Records that were there already.
    public var duplicates: Int
    /// Records refused, in order.
    public var refusals: [Refusal]

    /// An answer.
    public init(stored: Int = 0, duplicates: Int = 0, refusals: [Refusal] = []) {
        self.stored = stored
        self.duplicates = duplicates
        self.refusals = refusals
    }
}

/// Where an import goes. Several threads use one at once.
public protocol ImportSink: AnyObject, Sendable {
    /// Stores interactions, one JSON object a line, and answers once they are durable. Safe to repeat: every one has an
    /// id.
    func send(interactions lines: [UInt8], count: Int) throws(CommandError) -> SinkAnswer
    /// Stores entities, one document a line, and answers once they are durable.
    func send(entities lines: [UInt8], count: Int) throws(CommandError) -> SinkAnswer
    /// Stores users, one document a line, and answers once they are durable.
    func send(users lines: [UInt8], count: Int) throws(CommandError) -> SinkAnswer
    /// Ends the work. Idempotent.
    func close()
}
