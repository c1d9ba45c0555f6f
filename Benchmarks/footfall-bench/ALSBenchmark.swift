internal import Glibc
internal import Models
internal import Numerics

/// Alternating least squares on lists of a file: fits, and scores what was held back.
struct ALSBenchmark: Benchmark {
    private var train = ""
    private var test = ""
    private var threads = 1
    private var parameters = ALSModel.Parameters()

    mutating func read(_ arguments: [String]) -> Bool {
        var rest = arguments[...]
        while let option = rest.popFirst() {
            guard let value = rest.popFirst() else { return false }
            switch option {
            case "--train": train = value
            case "--test": test = value
            case "--threads": threads = Int(value) ?? 1
            case "--factors": parameters.factors = Int(value) ?? 64
            case "--iterations": parameters.iterations = Int(value) ?? 15
            case "--regularisation": parameters.regularisation = Float(value) ?? 0.01
            case "--exponent": parameters.frequencyExponent = Float(value) ?? 0
            case "--unobserved": parameters.unobserved = Float(value) ?? 1
            case "--confidence": parameters.confidence = Float(value) ?? 1
            case "--growth": parameters.recency.growth = Float(value) ?? 0
            default: return false
            }
        }
        return !train.isEmpty && !test.isEmpty && threads > 0 && parameters.factors > 0
    }

    func run() -> Bool {
        guard let (known, held) = HeldOut.read(train: train, test: test) else {
            say("the files cannot be read", to: STDERR_FILENO)
            return false
        }
        _ = BLAS.isReady
        let (begin, processor) = (nanoseconds(), processNanoseconds())
        let model = ALSModel(known, parameters, seed: 1, threads: threads)
        let (fitted, used) = (nanoseconds(), processNanoseconds())
        let quality = HeldOut.quality(model, known, held, threads: threads)
        report(
            "als",
            [
                "seconds": Double(fitted - begin) / 1e9, "cpu_s": Double(used - processor) / 1e9,
                "scoring_cpu_s": Double(processNanoseconds() - used) / 1e9,
                "recall@20": quality.recall, "ndcg@20": quality.gain, "persons": Double(quality.persons),
            ])
        return true
    }
}
