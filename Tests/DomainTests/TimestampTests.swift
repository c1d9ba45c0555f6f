import Domain
import Foundation
import Testing

@Suite("Timestamps")
struct TimestampTests {
    /// Another reading of RFC 3339: days counted year by year and month by month.
    private struct SlowDate {
        static func isLeap(_ year: Int) -> Bool { year % 400 == 0 || (year % 4 == 0 && year % 100 != 0) }

        static func length(_ month: Int, _ year: Int) -> Int {
            [31, isLeap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
        }

        /// Days from 0001-01-01 to the first day of each year up to 10000.
        static let yearStarts: [Int] = {
            var starts = [0, 0]
            for year in 1...9999 { starts.append(starts[year] + (isLeap(year) ? 366 : 365)) }
            return starts
        }()

        static func milliseconds(_ year: Int, _ month: Int, _ day: Int, _ secondOfDay: Int) -> Int64 {
            var days = yearStarts[year]
            for earlier in 1..<month { days += length(earlier, year) }
            return Int64(days - 719_162 + day - 1) * 86_400_000 + Int64(secondOfDay) * 1000
        }
    }

    private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    private static func four(_ number: Int) -> String { String("000\(number)".suffix(4)) }

    @Test("Random dates of the years 1 to 9999, with any offset and fraction, are read as a slow calendar reads them")
    func reading() throws {
        let seed: UInt64 = 11
        var random = SeededGenerator(seed: seed)
        #expect(SlowDate.yearStarts[10_000] * 86_400 == 315_537_897_600)
        for round in 0..<20_000 {
            let year = round % 3 == 0 ? 1900 + random.below(200) : 1 + random.below(9999)
            let month = 1 + random.below(12)
            let day = 1 + random.below(SlowDate.length(month, year))
            let (hour, minute, second) = (random.below(24), random.below(60), random.below(61))
            let fraction = (0..<random.below(12)).map { _ in "\(random.below(10))" }.joined()
            let isUTC = random.below(3) == 0
            let (offsetHour, offsetMinute) = (random.below(24), random.below(60))
            let sign = isUTC ? 0 : random.below(2) == 0 ? 1 : -1
            let zone =
                isUTC
                ? random.pick(["Z", "z", "+00:00", "-00:00"])
                : (sign > 0 ? "+" : "-") + Self.two(offsetHour) + ":" + Self.two(offsetMinute)
            let text =
                "\(Self.four(year))-\(Self.two(month))-\(Self.two(day))\(random.pick(["T", "t", " "]))"
                + "\(Self.two(hour)):\(Self.two(minute)):\(Self.two(second))\(fraction.isEmpty ? "" : ".")\(fraction)\(zone)"
            let milliseconds = Int64(String((fraction + "000").prefix(3))) ?? 0
            let expected =
                SlowDate.milliseconds(year, month, day, (hour * 60 + minute) * 60 + second) + milliseconds
                - Int64(sign * (offsetHour * 60 + offsetMinute)) * 60_000
            let isInside = (Timestamp.earliest...Timestamp.latest).contains(expected)
            #expect(
                Timestamp(rfc3339: text)?.milliseconds == (isInside ? expected : nil),
                "seed \(seed) round \(round): \(text)")
        }
    }

    @Test("A number is seconds up to the year 5138, and milliseconds from there on")
    func numbers() {
        for (number, milliseconds) in [
            (0, 0), (1_769_860_800, 1_769_860_800_000), (1_769_860_800_250, 1_769_860_800_250), (0.25, 250),
            (99_999_999_999, 99_999_999_999_000), (100_000_000_000, 100_000_000_000), (-1, -1_000),
        ] as [(Double, Int64)] {
            #expect(Timestamp(secondsOrMilliseconds: number)?.milliseconds == milliseconds)
        }
        for number in [1e15, -.infinity, .nan] { #expect(Timestamp(secondsOrMilliseconds: number) == nil) }
    }

    @Test("Foundation writes and reads the same text")
    func foundation() throws {
        let formatter = ISO8601DateFormatter()
        formatter.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
        let seed: UInt64 = 12
        var random = SeededGenerator(seed: seed)
        // From 1600 on: Foundation's calendar is the Julian one before.
        for round in 0..<3000 {
            let milliseconds = -11_676_096_000_000 + Int64(random.next() % 265_078_396_799_999)
            let text = Timestamp(milliseconds: milliseconds).rfc3339
            let date = try #require(formatter.date(from: text), "seed \(seed) round \(round): \(text)")
            #expect(Int64((date.timeIntervalSince1970 * 1000).rounded()) == milliseconds, "seed \(seed): \(text)")
            let whole = Date(timeIntervalSince1970: Double(milliseconds / 1000))
            #expect(
                formatter.string(from: whole).prefix(19)
                    == Timestamp(milliseconds: milliseconds / 1000 * 1000).rfc3339.prefix(19))
        }
    }

    @Test("What is written is read again, and what is outside the years 1 to 9999 is written as the nearest inside")
    func writing() {
        let seed: UInt64 = 13
        var random = SeededGenerator(seed: seed)
        var moments = [Timestamp.earliest, Timestamp.latest, 0, -1, 1, 951_782_400_000, 951_868_800_000, -86_400_001]
        let span = UInt64(bitPattern: Timestamp.latest - Timestamp.earliest)
        for _ in 0..<20_000 { moments.append(Timestamp.earliest + Int64(random.next() % span)) }
        for moment in moments {
            let text = Timestamp(milliseconds: moment).rfc3339
            #expect(text.utf8.count == 24)
            #expect(Timestamp(rfc3339: text)?.milliseconds == moment, "seed \(seed): \(moment) \(text)")
        }
        #expect(Timestamp(milliseconds: .min).rfc3339 == "0001-01-01T00:00:00.000Z")
        #expect(Timestamp(milliseconds: .max).rfc3339 == "9999-12-31T23:59:59.999Z")
        #expect(Timestamp(milliseconds: .max).advanced(byMilliseconds: 1).milliseconds == .max)
        #expect(Timestamp(milliseconds: .min).advanced(byMilliseconds: -1).milliseconds == .min)
    }

    static let calendarEdges: [(String, Int64)] = [
        ("2000-02-29T00:00:00Z", 951_782_400_000), ("2024-02-29T23:59:59.999Z", 1_709_251_199_999),
        ("1970-01-01T00:00:00Z", 0), ("1969-12-31T23:59:59.999Z", -1), ("0001-01-01T00:00:00Z", Timestamp.earliest),
        ("9999-12-31T23:59:59.999999Z", Timestamp.latest), ("2016-12-31T23:59:60Z", 1_483_228_800_000),
        ("2016-12-31T15:59:60-08:00", 1_483_228_800_000), ("0001-01-01T00:00:00-00:01", Timestamp.earliest + 60_000),
        ("2026-01-31T12:00:00.1Z", 1_769_860_800_100), ("2026-01-31 12:00:00+23:59", 1_769_774_460_000),
    ]

    @Test("Edges of the calendar", arguments: calendarEdges)
    func edges(text: String, milliseconds: Int64) { #expect(Timestamp(rfc3339: text)?.milliseconds == milliseconds) }

    @Test(
        "What is not RFC 3339, or outside the years 1 to 9999, is not read",
        arguments: [
            "", "Z", "2026-01-31", "2026-01-31T12:00:00", "2026-01-31T12:00Z", "2026-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2100-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-00-10T00:00:00Z", "2026-13-10T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-01-32T00:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T23:60:00Z", "2026-01-31T23:59:61Z",
            "2026-01-31T12:00:00.Z",
            "2026-01-31T12:00:00,5Z", "2026-01-31T12:00:00+24:00", "2026-01-31T12:00:00+01:60",
            "2026-01-31T12:00:00+0100",
            "2026-01-31T12:00:00+01", "2026-01-31T12:00:00 Z", "2026-01-31T12:00:00Zx", " 2026-01-31T12:00:00Z",
            "0000-01-01T00:00:00Z",
            "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:60Z", "9999-12-31T23:59:59-00:01", "+2026-01-31T12:00:00Z",
            "12026-01-31T12:00:00Z", "2026-1-31T12:00:00.00Z", "２０２６-01-31T12:00:00Z", "2026-01-31T12:00:00−01:00",
            "2026/01/31T12:00:00Z", "2026-01-31X12:00:00Z", "2026-01-31T12:00:00.123", "2026-01-31T12:00:00+",
        ])
    func refusals(text: String) { #expect(Timestamp(rfc3339: text) == nil) }

    @Test("Days and hours are rounded down on both sides of the epoch")
    func buckets() {
        #expect(Timestamp(milliseconds: -1).day == -1 && Timestamp(milliseconds: 0).day == 0)
        #expect(Timestamp(milliseconds: -3_600_000).hour == -1 && Timestamp(milliseconds: -3_600_001).hour == -2)
        var random = SeededGenerator(seed: 14)
        for _ in 0..<2000 {
            let value = Int64(bitPattern: random.next()) >> Int64(random.below(40))
            let divisor = Int64(1 + random.below(100_000))
            let expected = (Double(value) / Double(divisor)).rounded(.down)
            if abs(value) < 1 << 50 { #expect(Double(Timestamp.floorDivide(value, divisor)) == expected) }
        }
    }
}
