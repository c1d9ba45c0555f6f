internal import Glibc
internal import Models
internal import Numerics
internal import Recommend

/// What a learned model takes of the processor to answer a request, at full rows and full histories.
struct ModelBenchmark: Benchmark {
    private var items = 100_000
    private var neighbours = 200
    private var actions = 100
    private var layers = 1
    private var requests = 2_000

    mutating func read(_ arguments: [String]) -> Bool {
        var rest = arguments[...]
        while let name = rest.popFirst() {
            guard let text = rest.popFirst(), let value = Int(text), value > 0 else { return false }
            switch name {
            case "--entities": items = value
            case "--neighbours": neighbours = value
            case "--actions": actions = value
            case "--layers": layers = value
            case "--requests": requests = value
            default: return false
            }
        }
        return true
    }

    func run() -> Bool {
        var random = SplitMix(seed: 1)
        let layers = (0..<layers).map { _ in
            var rows = SparseRows(columnCount: items)
            for item in 0..<items {
                // Half of the neighbours near, as items of a group are, half anywhere.
                rows.append(
                    (0..<neighbours).map { place in
                        let other = place % 2 == 0 ? (item + place) % items : Int.random(in: 0..<items, using: &random)
                        return (UInt32(other), Float.random(in: 0...1, using: &random))
                    })
            }
            return ServingModel.Layer(recency: Recency(growth: 2), rows: rows, deviation: 1)
        }
        let model = ServedModel(
            version: 1, model: ServingModel(itemCount: items, layers: layers),
            entities: (0..<UInt32(items)).map { Optional($0) }, types: [UInt16](repeating: 0, count: items),
            typeNames: ["product"], halfLifeDays: 90)
        let histories = (0..<64).map { _ in
            (0..<actions).map { _ in
                ServingModel.Action(
                    item: UInt32.random(in: 0..<UInt32(items), using: &random),
                    weight: Float.random(in: 1...5, using: &random))
            }
        }
        var found = 0
        for history in histories { found += model.opinions(of: history, limit: 200, type: "product").count }
        var times: [Double] = []
        for request in 0..<requests {
            let start = processorNanoseconds()
            found += model.opinions(of: histories[request % 64], limit: 200, type: "product").count
            times.append(Double(processorNanoseconds() - start) / 1000)
        }
        times.sort()
        let mean = times.reduce(0, +) / Double(requests)
        say(
            "model: \(items) entities, \(neighbours) neighbours, \(layers.count) layers, \(actions) actions: "
                + "mean \(Int(mean)) µs, median \(Int(times[requests / 2])) µs, p99 \(Int(times[requests * 99 / 100])) µs, "
                + "\(found / (requests + 64)) opinions", to: STDERR_FILENO)
        print(
            #"{"bench":"model","entities":\#(items),"neighbours":\#(neighbours),"layers":\#(layers.count),"#
                + #""actions":\#(actions),"mean_us":\#(mean),"p50_us":\#(times[requests / 2]),"#
                + #""p99_us":\#(times[requests * 99 / 100])}"#)
        return true
    }
}
