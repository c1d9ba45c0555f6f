internal import Glibc

let arguments = Array(CommandLine.arguments.dropFirst())
let usage = """
    footfall-bench: measures parts of Footfall without a server.

    USAGE: footfall-bench live [--interactions N] [--entities N] [--users N] [--seconds S]
           footfall-bench serve [--interactions N] [--entities N] [--users N] [--lists N]

    live    applies interactions to a live state (Zipf-like entities, uniform users, sessions of five), then reads
            popular lists at 5,000 requests a second while 20,000 interactions a second go on, then writes and loads
            a snapshot. A table goes to standard error, JSON lines to standard output.
    model   asks a learned model with full rows for 200 opinions on full histories: processor time a request.
            [--entities N] [--neighbours N] [--layers N] [--actions N] [--requests N]
    serve   makes personal lists of ten (filters and explanation included) from a live state of the same making, and
            says what processor time one takes. --interactions, --entities and --users as above.

           footfall-bench als --train FILE --test FILE [--threads N] [--factors N] [--iterations N]
               [--regularisation X] [--exponent X] [--unobserved X] [--confidence X] [--growth X]

    als     fits alternating least squares to the lists of a file and scores what the other file holds back: a line a
            person, the same persons in both, a name and then numbers of items.

           footfall-bench training --model M [--interactions N] [--items N] [--threads N]

    training  fits one model to generated interactions of 50 a person and says what that took: popularity, walk,
              autoencoder, sequence, spectral, als or user-to-user.
    """

/// What one word of the command line measures.
protocol Benchmark {
    init()
    /// Takes options; false when one is not understood.
    mutating func read(_ arguments: [String]) -> Bool
    /// Measures and reports; false when something went wrong.
    func run() -> Bool
}

let benchmarks: [String: any Benchmark.Type] = [
    "live": LiveBenchmark.self, "model": ModelBenchmark.self, "serve": ServeBenchmark.self, "als": ALSBenchmark.self,
    "training": TrainingBenchmark.self,
]

if let first = arguments.first, ["--help", "-h", "help"].contains(first) {
    print(usage)
} else if let kind = arguments.first.flatMap({ benchmarks[$0] }) {
    var benchmark = kind.init()
    guard benchmark.read(Array(arguments.dropFirst())) else {
        say(usage, to: STDERR_FILENO)
        exit(2)
    }
    exit(benchmark.run() ? 0 : 1)
} else {
    say(usage, to: STDERR_FILENO)
    exit(2)
}
