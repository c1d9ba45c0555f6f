public import Numerics

/// A kind of model with its hyper-parameters: what a blend can be made of.
public enum PartKind: Sendable, Hashable, Codable {
    case walk(WalkModel.Parameters)
    case autoencoder(LocalAutoencoderModel.Parameters)
    case wholeAutoencoder(AutoencoderModel.Parameters)
    case als(ALSModel.Parameters)
    case spectral(SpectralModel.Parameters)
    case sequence(SequenceModel.Parameters)
    case trend(TrendModel.Parameters)
    case users(UserNeighboursModel.Parameters)

    /// Fits it; `nil` when there is nothing to fit to.
    public func fit(_ histories: Histories, seed: UInt64 = 1, threads: Int = Parallel.processors) -> (any ItemModel)? {
        switch self {
        case .walk(let parameters): WalkModel(histories, parameters, threads: threads)
        case .autoencoder(let parameters): LocalAutoencoderModel(histories, parameters, threads: threads)
        case .wholeAutoencoder(let parameters): AutoencoderModel(histories, parameters)
        case .als(let parameters): ALSModel(histories, parameters, seed: seed, threads: threads)
        case .spectral(let parameters): SpectralModel(histories, parameters, seed: seed, threads: threads)
        case .sequence(let parameters): SequenceModel(histories, parameters, threads: threads)
        case .trend(let parameters): TrendModel(histories, parameters)
        case .users(let parameters): UserNeighboursModel(histories, parameters)
        }
    }

    /// The name of its model.
    public var name: String {
        switch self {
        case .walk: "walk"
        case .autoencoder, .wholeAutoencoder: "autoencoder"
        case .als: "als"
        case .spectral: "spectral"
        case .sequence: "sequence"
        case .trend: "trend"
        case .users: "user-to-user"
        }
    }

    /// How it weights histories.
    public var recency: Recency {
        get {
            switch self {
            case .walk(let parameters): parameters.recency
            case .autoencoder(let parameters): parameters.recency
            case .wholeAutoencoder(let parameters): parameters.recency
            case .als(let parameters): parameters.recency
            case .spectral(let parameters): parameters.recency
            case .sequence(let parameters): parameters.recency
            case .users(let parameters): parameters.recency
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
            case .wholeAutoencoder(var parameters):
                parameters.recency = newValue
                self = .wholeAutoencoder(parameters)
            case .als(var parameters):
                parameters.recency = newValue
                self = .als(parameters)
            case .spectral(var parameters):
                parameters.recency = newValue
                self = .spectral(parameters)
            case .sequence(var parameters):
                parameters.recency = newValue
                self = .sequence(parameters)
            case .users(var parameters):
                parameters.recency = newValue
                self = .users(parameters)
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
        guard var weighted = model as? any RecencyModel else { return model }
        weighted.recency = recency
        return weighted
    }
}

extension PartKind: CustomStringConvertible {
    public var description: String {
        func dropout(_ share: Float?) -> String { share.map { ", dropout \($0)" } ?? "" }
        let late = recency == .none ? "" : ", growth \(recency.growth), fall \(recency.fall)"
        switch self {
        case .walk(let parameters): return "walk(\(parameters.personExponent), \(parameters.sourceExponent)\(late))"
        case .autoencoder(let parameters):
            return
                "autoencoder(λ \(parameters.regularisation)\(dropout(parameters.dropout)), \(parameters.personExponent)\(late))"
        case .wholeAutoencoder(let parameters):
            return
                "whole autoencoder(λ \(parameters.regularisation)\(dropout(parameters.dropout)), \(parameters.personExponent)\(late))"
        case .als(let parameters):
            let unobserved = parameters.unobserved.map { ", unobserved \($0)" } ?? ""
            return "als(\(parameters.factors), λ \(parameters.regularisation)\(unobserved)\(late))"
        case .spectral(let parameters): return "spectral(\(parameters.rank), \(parameters.personExponent)\(late))"
        case .sequence(let parameters):
            return "sequence(length \(parameters.length), backward \(parameters.backward)\(late))"
        case .trend(let parameters): return "trend(\(parameters.fall))"
        case .users(let parameters):
            return "users(\(parameters.neighbours), sharpness \(parameters.sharpness)\(late))"
        }
    }
}
