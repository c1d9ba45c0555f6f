/// The models that evaluations set beside the default, each with its own standard parameters.
public enum SingleModel: String, Sendable, CaseIterable {
    /// ``PopularityModel``.
    case popularity
    /// ``TrendModel``.
    case decayedPopularity = "decayed-popularity"
    /// ``WalkModel``.
    case walk
    /// ``LocalAutoencoderModel``.
    case autoencoder
    /// ``SpectralModel``.
    case spectral
    /// ``SequenceModel``.
    case sequence
    /// ``ALSModel``.
    case als
    /// ``UserNeighboursModel``.
    case users = "user-to-user"

    /// Fits it to histories.
    public func fit(_ histories: Histories, threads: Int, seed: UInt64) throws(ModelError) -> any ItemModel {
        switch self {
        case .popularity: return PopularityModel(histories)
        case .decayedPopularity: return TrendModel(histories, TrendModel.Parameters())
        case .walk: return WalkModel(histories, WalkModel.Parameters())
        case .autoencoder: return LocalAutoencoderModel(histories, .init(), threads: threads)
        case .spectral:
            // With as many vectors as there are persons or items nothing would be filtered.
            var parameters = SpectralModel.Parameters()
            parameters.rank = max(1, min(parameters.rank, min(histories.count, histories.itemCount) / 8))
            guard let model = SpectralModel(histories, parameters, seed: seed, threads: threads) else {
                throw ModelError(.notFinite, "the matrix of histories cannot be decomposed")
            }
            return model
        case .sequence: return SequenceModel(histories, .init(), threads: threads)
        case .als: return ALSModel(histories, ALSModel.Parameters(), seed: seed, threads: threads)
        case .users: return UserNeighboursModel(histories)
        }
    }
}
