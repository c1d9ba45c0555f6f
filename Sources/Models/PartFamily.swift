/// Variants of one kind of model, on a grid that is climbed from a usual place.
struct PartFamily {
    /// Values along each axis of the grid.
    var sizes: [Int]
    /// Where the climb begins.
    var start: [Int]
    /// Most variants that are fitted.
    var mostFits: Int
    /// The variant at a place.
    var make: ([Int]) -> PartKind

    /// A family that is one line of variants, begun at the first.
    init(_ kinds: [PartKind]) {
        sizes = [kinds.count]
        start = [0]
        mostFits = kinds.count
        make = { kinds[$0[0]] }
    }

    init(_ sizes: [Int], from start: [Int], mostFits: Int, _ make: @escaping ([Int]) -> PartKind) {
        self.sizes = sizes
        self.start = start
        self.mostFits = max(1, mostFits)
        self.make = make
    }

    /// Climbs: along one axis after the other, up and then down, as long as that helps; again while anything moved.
    /// `value` fits and judges a variant; `nil` leaves it out.
    func climb<Found>(_ fit: (PartKind, Found?) -> Found?, value: (Found) -> Double) -> Found? {
        var place = start
        var tried: Set<[Int]> = [start]
        var best = fit(make(start), nil)
        var hasMoved = true
        while hasMoved {
            hasMoved = false
            for axis in sizes.indices {
                for direction in [1, -1] {
                    var isBetter = true
                    var steps = 0
                    while isBetter, tried.count < mostFits {
                        var next = place
                        next[axis] += direction
                        guard next[axis] >= 0, next[axis] < sizes[axis], tried.insert(next).inserted else { break }
                        let found = fit(make(next), best)
                        isBetter = found.map { value($0) > best.map(value) ?? 0 } ?? false
                        if isBetter { (best, place, hasMoved, steps) = (found, next, true, steps + 1) }
                    }
                    if steps > 0 { break }
                }
            }
        }
        return best
    }
}

extension BlendTuner {
    /// Kinds of models with the variants that are fitted and compared. What costs much is tried in few variants where there
    /// is much to fit to.
    func families() -> [PartFamily] {
        let size = Size(holdOut.training)
        var families = [walks(size), autoencoders(size)]
        if !options.isFolded, size.items <= Double(AutoencoderModel.mostItems) {
            families.append(wholeAutoencoders(size))
        }
        families.append(spectrals(size))
        if !options.isFolded {
            families.append(factorisations(size))
            if size.isSmall { families.append(neighbours()) }
        }
        if options.usesSequence {
            families.append(PartFamily([sequence(length: 8, backward: 1), sequence(length: 20, backward: 1)]))
            families.append(
                PartFamily(
                    [(1, 0.2), (3, 0.2), (1, 0.6)].map { sequence(length: $0.0, backward: $0.1, exponent: 0.5) }))
        }
        families.append(PartFamily((options.usesOrder ? [3, 10] : [0]).map { .trend(.init(fall: $0)) }))
        return families
    }

    /// What fitting costs depend on.
    private struct Size {
        let persons: Double
        let items: Double
        let entries: Double
        /// Pairs of entries in one history.
        let pairs: Double

        init(_ histories: Histories) {
            persons = Double(histories.count)
            items = Double(histories.itemCount)
            entries = Double(histories.items.count)
            pairs = (0..<histories.count).reduce(0) {
                let length = Double(min(WalkModel.longestHistory, histories.places(of: $1).count))
                return $0 + length * length
            }
        }

        var isSmall: Bool { entries < 300_000 }

        /// How many fits of a cost a budget allows, both in operations.
        func fits(_ cost: Double, of budget: Double, least: Int, most: Int) -> Int {
            max(least, min(most, Int(budget / max(1, cost))))
        }
    }

    private func walks(_ size: Size) -> PartFamily {
        let persons: [Float] = [0, 0.5, 1]
        let sources: [Float] = [0.5, 0.7, 1]
        return PartFamily([3, 3], from: [1, 2], mostFits: size.fits(size.pairs, of: 1e9, least: 2, most: 9)) {
            var parameters = WalkModel.Parameters()
            parameters.personExponent = persons[$0[0]]
            parameters.sourceExponent = sources[$0[1]]
            return .walk(parameters)
        }
    }

    private func autoencoders(_ size: Size) -> PartFamily {
        let ridges: [Float] = [1, 3, 8, 20, 50, 100, 200, 500]
        let persons: [Float] = [0, 0.5]
        return PartFamily([8, 2, 3], from: [3, 1, 0], mostFits: size.isSmall ? 9 : 2) {
            var parameters = LocalAutoencoderModel.Parameters()
            parameters.regularisation = ridges[$0[0]]
            parameters.personExponent = persons[$0[1]]
            parameters.dropout = BlendTuner.dropouts[$0[2]]
            return .autoencoder(parameters)
        }
    }

    private func wholeAutoencoders(_ size: Size) -> PartFamily {
        let ridges: [Float] = [3, 8, 20, 50, 100, 200, 400, 800, 1_600]
        let persons: [Float] = [0, 0.5]
        let cost = 2 * size.items * size.items * size.items + 4 * size.pairs
        return PartFamily([9, 2, 3], from: [4, 1, 0], mostFits: size.fits(cost, of: 2e12, least: 2, most: 12)) {
            var parameters = AutoencoderModel.Parameters()
            parameters.regularisation = ridges[$0[0]]
            parameters.personExponent = persons[$0[1]]
            parameters.dropout = BlendTuner.dropouts[$0[2]]
            return .wholeAutoencoder(parameters)
        }
    }

    private static let dropouts: [Float?] = [nil, 0.2, 0.4]

    private func spectrals(_ size: Size) -> PartFamily {
        let persons: [Float] = [0, 0.3, 0.5]
        // Decomposing holds three matrices of items × rank: 1.2 GB at most.
        let rank = min(options.rank, max(32, Int(1e8 / max(1, size.items))))
        return PartFamily([3], from: [1], mostFits: size.isSmall ? 3 : 1) {
            var parameters = SpectralModel.Parameters()
            parameters.rank = rank
            parameters.personExponent = persons[$0[0]]
            return .spectral(parameters)
        }
    }

    private func factorisations(_ size: Size) -> PartFamily {
        let factors = [32, 64, 128, 256, 512]
        let ridges: [Float] = [0.003, 0.01, 0.03, 0.1]
        let together: [Float] = [60, 200, 500, 1_500]
        let iterations = 8
        func cost(_ factors: Int) -> Double {
            let width = Double(factors)
            return Double(iterations) * (8 * width * width * (size.persons + size.items) + 32 * width * size.entries)
        }
        // As many dimensions as are affordable; where there are few rows, few, and more are tried.
        let most = min(size.persons, size.items) / 8
        let start = factors.lastIndex { Double($0) <= max(64, most) && ($0 <= 64 || cost($0) <= 1.3e12) } ?? 0
        let first = size.isSmall ? min(start, 1) : start
        let fits = size.fits(cost(factors[start]), of: 2.6e12, least: 1, most: 14)
        return PartFamily([start + 1, 4, 4], from: [first, 1, 2], mostFits: fits) {
            var parameters = ALSModel.Parameters()
            parameters.iterations = iterations
            parameters.factors = factors[$0[0]]
            parameters.regularisation = ridges[$0[1]]
            parameters.unobserved = min(1, together[$0[2]] / Float(max(1, size.items)))
            return .als(parameters)
        }
    }

    private func neighbours() -> PartFamily {
        let counts = [50, 100, 200, 400]
        let sharpnesses: [Float] = [1, 2, 4]
        return PartFamily([4, 3], from: [1, 1], mostFits: 6) {
            var parameters = UserNeighboursModel.Parameters()
            parameters.neighbours = counts[$0[0]]
            parameters.sharpness = sharpnesses[$0[1]]
            return .users(parameters)
        }
    }

    private func sequence(length: Float, backward: Float, exponent: Float = 0.7) -> PartKind {
        var parameters = SequenceModel.Parameters()
        parameters.length = length
        parameters.backward = backward
        parameters.sourceExponent = exponent
        return .sequence(parameters)
    }
}
