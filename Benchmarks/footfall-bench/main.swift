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
    """

switch arguments.first {
case "live":
    var benchmark = LiveBenchmark()
    guard benchmark.read(Array(arguments.dropFirst())) else {
        say(usage, to: STDERR_FILENO)
        exit(2)
    }
    exit(benchmark.run() ? 0 : 1)
case "model":
    var benchmark = ModelBenchmark()
    guard benchmark.read(Array(arguments.dropFirst())) else {
        say(usage, to: STDERR_FILENO)
        exit(2)
    }
    benchmark.run()
case "serve":
    var benchmark = ServeBenchmark()
    guard benchmark.read(Array(arguments.dropFirst())) else {
        say(usage, to: STDERR_FILENO)
        exit(2)
    }
    benchmark.run()
case "--help", "-h", "help":
    print(usage)
default:
    say(usage, to: STDERR_FILENO)
    exit(2)
}
