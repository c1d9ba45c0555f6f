import Numerics
import Testing

@testable import Models

@Suite("Climbing variants")
struct PartFamilyTests {
    @Test("The climb finds the top of a hill, fits nothing twice, and no more than it may", arguments: [1, 3, 100])
    func climb(mostFits: Int) {
        var random = SplitMix(seed: 3)
        for _ in 0..<50 {
            let top = [Int.random(in: 0..<7, using: &random), Int.random(in: 0..<4, using: &random)]
            var fitted: [[Float]] = []
            let family = PartFamily([7, 4], from: [3, 1], mostFits: mostFits) {
                var parameters = WalkModel.Parameters()
                (parameters.personExponent, parameters.sourceExponent) = (Float($0[0]), Float($0[1]))
                return .walk(parameters)
            }
            let best = family.climb(
                { (kind, _: [Float]?) -> [Float]? in
                    guard case .walk(let parameters) = kind else { return nil }
                    fitted.append([parameters.personExponent, parameters.sourceExponent])
                    return fitted.last
                }, value: { -Double(abs($0[0] - Float(top[0])) + abs($0[1] - Float(top[1]))) })
            #expect(Set(fitted).count == fitted.count && fitted.count <= mostFits)
            if mostFits == 100 { #expect(best == top.map { Float($0) }) }
        }
    }

    @Test("A blend is beaten by what is better beyond the error of the mean, and by nothing less")
    func beaten() {
        #expect(!WeightSearch.isBeaten([]))
        #expect(!WeightSearch.isBeaten([0, 0, 0, 0]))
        #expect(!WeightSearch.isBeaten([1, 2, 3]))
        #expect(WeightSearch.isBeaten([-1, -1, -1]))
        // A mean of -0.1: its error is a tenth of the spread with 100 questions, a hundredth with 10,000.
        func gains(_ count: Int) -> [Double] { (0..<count).map { $0 % 2 == 0 ? 1.4 : -1.6 } }
        #expect(!WeightSearch.isBeaten(gains(100)))
        #expect(WeightSearch.isBeaten(gains(10_000)))
    }
}
