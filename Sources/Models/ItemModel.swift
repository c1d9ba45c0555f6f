/// A model that scores every item for what a person did.
///
/// One contract holds for all (Tests/ModelsTests/ContractTests): scores are finite; equal histories give equal scores,
/// alone or in a block; an empty history gives the model's opinion of nobody in particular, which may be 0 everywhere.
/// Histories need not have been there in training: a vector of the person is made from the history at request time.
public protocol ItemModel: Sendable {
    /// Its name in tables, settings and answers.
    var name: String { get }
    /// Items it knows. Scores have this length.
    var itemCount: Int { get }
    /// Writes the score of every item for each history: row-major, `histories.count` × ``itemCount``, greater is better, 0
    /// where it has nothing to say. What was done already is scored like anything else. `scores` must have that many
    /// places; what it held is overwritten.
    func score(_ histories: Histories, into scores: UnsafeMutableBufferPointer<Float>)
}

/// A model that counts the entries of a history by how late they lie, which can be changed without fitting anew.
public protocol RecencyModel: ItemModel {
    /// How the entries of a history are weighted.
    var recency: Recency { get set }
}

extension ItemModel {
    /// The scores of one history.
    public func scores(_ run: some Sequence<Histories.Entry>) -> [Float] {
        var one = Histories(itemCount: itemCount)
        one.append(run)
        return [Float](unsafeUninitializedCapacity: itemCount) { buffer, count in
            score(one, into: UnsafeMutableBufferPointer(rebasing: buffer[..<itemCount]))
            count = itemCount
        }
    }
}
