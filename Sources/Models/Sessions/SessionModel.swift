internal import Numerics

/// A model of what comes next in a session.
///
/// It says something of few items, so that an answer costs what it says and not the size of the catalogue. Scores are
/// finite and above 0; equal sessions at equal times give equal scores. What the session has already may come again and is
/// scored like anything else.
public protocol SessionModel: Sendable {
    /// Its name in tables, settings and answers.
    var name: String { get }
    /// Items it knows.
    var itemCount: Int { get }
    /// Adds the scores of what may come next to `scores`, which are cleared before. `session` has numbers below
    /// ``itemCount``, oldest first; `time` is that of the question, in milliseconds since the epoch, `nil` when unknown.
    func score(_ session: [UInt32], at time: Int64?, into scores: inout SessionScores)
}

/// A session model under the contract of models of lists: a history is taken as a session. Entries that speak against
/// their item are left out.
public struct SessionItemModel<Model: SessionModel>: ItemModel {
    /// The model.
    public let model: Model

    /// A session model as an item model.
    public init(_ model: Model) { self.model = model }

    public var name: String { model.name }
    public var itemCount: Int { model.itemCount }

    public func score(_ histories: Histories, into scores: UnsafeMutableBufferPointer<Float>) {
        scores.update(repeating: 0)
        var sparse = SessionScores(itemCount: itemCount)
        for person in 0..<histories.count {
            let entries = histories.entries(of: person).filter { $0.weight > 0 }
            sparse.removeAll()
            model.score(entries.map(\.item), at: entries.last?.time, into: &sparse)
            for item in sparse.touched { scores[person * itemCount + Int(item)] = sparse[item] }
        }
    }
}
