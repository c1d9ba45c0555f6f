public import Numerics

/// A kind of model with its hyper-parameters: what a blend can be made of.
public enum PartKind: Sendable, Hashable, Codable {
    case walk(WalkModel.Parameters)
    case autoencoder(LocalAutoencoderModel.Parameters)
    case spectral(SpectralModel.Parameters)
    case sequence(SequenceModel.Parameters)
    case trend(TrendModel.Parameters)

    /// Fits it; `nil` when there is nothing to fit to.
    public func fit(_ histories: Histories, seed: UInt64 = 1, threads: Int = Parallel.processors) -> (any ItemModel)? {
        switch self {
        case .walk(let parameters): WalkModel(histories, parameters, threads: threads)
        case .autoencoder(let parameters): LocalAutoencoderModel(histories, parameters, threads: threads)
        case .spectral(let parameters): SpectralModel(histories, parameters, seed: seed, threads: threads)
        case .sequence(let parameters): SequenceModel(histories, parameters, threads: threads)
        case .trend(let parameters): TrendModel(histories, parameters)
        }
    }

    /// How it weights histories.
    public var recency: Recency {
        get {
            switch self {
            case .walk(let parameters): parameters.recency
            case .autoencoder(let parameters): parameters.recency
            case .spectral(let parameters): parameters.recency
            case .sequence(let parameters): parameters.recency
            case .trend: .none
            }
        }
        set {
            switch self {
            case .walk(var parameters):
                parameters.recency = newValue
                self = .walk(parameters)
            case .autoencoder(var parameters):
                parameters.recency = newValue
                self = .autoencoder(parameters)
            case .spectral(var parameters):
                parameters.recency = newValue
                self = .spectral(parameters)
            case .sequence(var parameters):
                parameters.recency = newValue
                self = .sequence(parameters)
            case .trend: break
            }
        }
    }

    /// Whether it says the same of everybody.
    var isForEverybody: Bool {
        if case .trend = self { return true }
        return false
    }

    /// A fitted model of this kind with this kind's weighting of histories.
    func weighted(_ model: any ItemModel) -> any ItemModel {
        switch model {
        case var walk as WalkModel:
            walk.recency = recency
            return walk
        case var autoencoder as LocalAutoencoderModel:
            autoencoder.recency = recency
            return autoencoder
        case var spectral as SpectralModel:
            spectral.recency = recency
            return spectral
        case var sequence as SequenceModel:
            sequence.recency = recency
            return sequence
        default: return model
        }
    }
}

extension PartKind: CustomStringConvertible {
    public var description: String {
        let late = recency == .none ? "" : ", growth \(recency.growth), fall \(recency.fall)"
        switch self {
        case .walk(let parameters): return "walk(\(parameters.personExponent)\(late))"
        case .autoencoder(let parameters): return "autoencoder(λ \(parameters.regularisation)\(late))"
        case .spectral(let parameters): return "spectral(\(parameters.rank)\(late))"
        case .sequence(let parameters):
            return "sequence(length \(parameters.length), backward \(parameters.backward)\(late))"
        case .trend(let parameters): return "trend(\(parameters.fall))"
        }
    }
}
