public import Numerics

/// A blend before it is fitted: kinds of models with their exponents and weights.
public struct BlendChoice: Sendable, Hashable, Codable {
    /// One model.
    public struct Part: Sendable, Hashable, Codable {
        /// Which model.
        public var kind: PartKind
        /// Exponent of popularity.
        public var exponent: Float
        /// Its weight in the blend.
        public var weight: Float

        /// A part.
        public init(_ kind: PartKind, exponent: Float = 0, weight: Float = 1) {
            self.kind = kind
            self.exponent = exponent
            self.weight = weight
        }
    }

    /// The models, those of weight 0 left out.
    public var parts: [Part]

    /// A choice.
    public init(_ parts: [Part]) { self.parts = parts.filter { $0.weight != 0 } }

    /// Fits all models. Kinds that differ in their weighting of histories alone are fitted once.
    public func fit(_ histories: Histories, seed: UInt64 = 1, threads: Int = Parallel.processors) -> BlendModel {
        var fitted: [PartKind: any ItemModel] = [:]
        var models: [BlendModel.Part] = []
        for part in parts {
            var plain = part.kind
            plain.recency = .none
            guard let model = fitted[plain] ?? plain.fit(histories, seed: seed, threads: threads) else { continue }
            fitted[plain] = model
            models.append(
                BlendModel.Part(model: part.kind.weighted(model), exponent: part.exponent, weight: part.weight))
        }
        return BlendModel(models, popularity: BlendModel.popularity(histories))
    }
}
