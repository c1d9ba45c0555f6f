import Foundation

/// Prometheus' text format, read as strictly as it is specified: every sample belongs to a family that was declared before
/// it with HELP and TYPE, families come in one piece, label sets are unique, and histograms are cumulative and whole.
struct PrometheusText {
    struct Sample {
        var name: String
        var labels: [String: String]
        var value: Double
    }

    private(set) var samples: [Sample] = []
    private var kinds: [String: String] = [:]
    private var helped: Set<String> = []

    init(_ text: String) throws {
        guard text.hasSuffix("\n") else { throw TestFailure("The last line does not end") }
        var current = ""
        var finished: Set<String> = []
        var seen: Set<String> = []
        for line in text.dropLast().split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            if line.hasPrefix("# ") {
                let words = line.split(separator: " ", maxSplits: 3).map(String.init)
                guard words.count == 4, Self.isName(words[2]) else { throw TestFailure("Not a comment: \(line)") }
                switch words[1] {
                case "HELP":
                    guard helped.insert(words[2]).inserted else { throw TestFailure("A second HELP: \(line)") }
                    if !current.isEmpty { finished.insert(current) }
                    current = words[2]
                case "TYPE":
                    guard kinds[words[2]] == nil, helped.contains(words[2]), words[2] == current,
                        ["counter", "gauge", "histogram"].contains(words[3])
                    else { throw TestFailure("Not in its place: \(line)") }
                    kinds[words[2]] = words[3]
                default: throw TestFailure("Not a comment: \(line)")
                }
                continue
            }
            let sample = try Self.sample(line)
            let family = family(of: sample.name)
            guard let family, family == current, !finished.contains(family) else {
                throw TestFailure("A sample outside its family: \(line)")
            }
            let identity =
                sample.name
                + sample.labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
            guard seen.insert(identity).inserted else { throw TestFailure("A sample twice: \(line)") }
            if kinds[family] == "counter", !sample.name.hasSuffix("_total") || sample.value < 0 {
                throw TestFailure("Not a counter: \(line)")
            }
            samples.append(sample)
        }
        guard Set(kinds.keys) == helped, !samples.isEmpty else { throw TestFailure("HELP without TYPE") }
        try checkHistograms()
    }

    private func family(of name: String) -> String? {
        if kinds[name] != nil, kinds[name] != "histogram" { return name }
        for suffix in ["_bucket", "_sum", "_count"] where name.hasSuffix(suffix) {
            let family = String(name.dropLast(suffix.count))
            if kinds[family] == "histogram" { return family }
        }
        return nil
    }

    private func checkHistograms() throws {
        for (family, kind) in kinds where kind == "histogram" {
            var series: [String: [(bound: Double, count: Double)]] = [:]
            var counts: [String: Double] = [:]
            var sums: [String: Double] = [:]
            for sample in samples where self.family(of: sample.name) == family {
                var labels = sample.labels
                let bound = labels.removeValue(forKey: "le")
                let identity = labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
                if sample.name.hasSuffix("_bucket") {
                    guard let bound, let number = bound == "+Inf" ? .infinity : Double(bound) else {
                        throw TestFailure("\(family) has a bucket without a bound")
                    }
                    series[identity, default: []].append((number, sample.value))
                } else if sample.name.hasSuffix("_sum") {
                    sums[identity] = sample.value
                } else {
                    counts[identity] = sample.value
                }
            }
            guard Set(series.keys) == Set(counts.keys), Set(sums.keys) == Set(counts.keys) else {
                throw TestFailure("\(family) is not whole")
            }
            for (identity, buckets) in series {
                let isRising = zip(buckets, buckets.dropFirst()).allSatisfy {
                    $0.bound < $1.bound && $0.count <= $1.count
                }
                guard isRising, buckets.last?.bound == .infinity, buckets.last?.count == counts[identity] else {
                    throw TestFailure("\(family) {\(identity)} is not cumulative")
                }
            }
        }
    }

    private static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, !(48...57).contains(first) else { return false }
        return text.utf8.allSatisfy {
            (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || $0 == 95 || $0 == 58
        }
    }

    private static func sample(_ line: String) throws -> Sample {
        let failure = TestFailure("Not a sample: \(line)")
        var rest = Substring(line)
        let name = String(rest.prefix { $0 != "{" && $0 != " " })
        rest = rest.dropFirst(name.count)
        var labels: [String: String] = [:]
        if rest.first == "{" {
            rest = rest.dropFirst()
            while rest.first != "}" {
                let label = String(rest.prefix { $0 != "=" })
                rest = rest.dropFirst(label.count)
                guard isName(label), rest.hasPrefix("=\"") else { throw failure }
                rest = rest.dropFirst(2)
                var value = ""
                while let letter = rest.first, letter != "\"" {
                    rest = rest.dropFirst()
                    guard letter == "\\" else {
                        value.append(letter)
                        continue
                    }
                    switch rest.popFirst() {
                    case "\\": value.append("\\")
                    case "\"": value.append("\"")
                    case "n": value.append("\n")
                    default: throw failure
                    }
                }
                guard rest.popFirst() == "\"", labels.updateValue(value, forKey: label) == nil else { throw failure }
                if rest.first == "," { rest = rest.dropFirst() } else if rest.first != "}" { throw failure }
            }
            rest = rest.dropFirst()
        }
        guard rest.first == " ", isName(name), let value = Double(rest.dropFirst()), value.isFinite else {
            throw failure
        }
        return Sample(name: name, labels: labels, value: value)
    }
}
