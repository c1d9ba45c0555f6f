/// The model that serves, among those that score every item: what it has no opinion of gets 0, and so does what the history
/// itself has, which it never lists.
public struct ServedItemModel: ItemModel {
    public let name = "served"
    private let model: ServingModel

    /// The model as it serves.
    public init(_ model: ServingModel) { self.model = model }

    public var itemCount: Int { model.itemCount }

    public func score(_ histories: Histories, into scores: UnsafeMutableBufferPointer<Float>) {
        scores.update(repeating: 0)
        var scratch = ServingScratch()
        for person in 0..<histories.count {
            let actions = histories.places(of: person).map {
                ServingModel.Action(item: histories.items[$0], weight: histories.weights[$0])
            }
            let row = person * itemCount
            for opinion in model.opinions(of: actions, limit: itemCount, &scratch) {
                scores[row + Int(opinion.item)] = opinion.score
            }
        }
    }
}
