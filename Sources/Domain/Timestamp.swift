/// A moment: milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
public struct Timestamp: Sendable, Hashable, Comparable {
    /// Milliseconds since the Unix epoch.
    public var milliseconds: Int64

    /// A moment `milliseconds` after the Unix epoch.
    @inlinable
    public init(milliseconds: Int64) { self.milliseconds = milliseconds }

    /// A number that somebody sent without saying its unit: seconds since the epoch, or milliseconds where it is too great for
    /// seconds (from 10^11, which would be the year 5138). `nil` from 10^15 on and for what is no number.
    public init?(secondsOrMilliseconds number: Double) {
        guard number.magnitude < 1e15 else { return nil }
        milliseconds = Int64((number.magnitude >= 1e11 ? number : number * 1000).rounded())
    }

    @inlinable
    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.milliseconds < right.milliseconds }

    /// This moment moved by `milliseconds`; stops at the ends of the range.
    @inlinable
    public func advanced(byMilliseconds milliseconds: Int64) -> Timestamp {
        let (sum, overflow) = self.milliseconds.addingReportingOverflow(milliseconds)
        if overflow { return Timestamp(milliseconds: milliseconds < 0 ? .min : .max) }
        return Timestamp(milliseconds: sum)
    }

    /// Milliseconds in an hour, the width of a bucket of the live state.
    public static let millisecondsPerHour: Int64 = 3_600_000
    /// Milliseconds in a day.
    public static let millisecondsPerDay: Int64 = 86_400_000
    /// 0001-01-01T00:00:00Z, the earliest moment RFC 3339 text is read as.
    public static let earliest: Int64 = -62_135_596_800_000
    /// 9999-12-31T23:59:59.999Z, the latest.
    public static let latest: Int64 = 253_402_300_799_999

    /// Whole days since the epoch, rounded down.
    @inlinable public var day: Int64 { Timestamp.floorDivide(milliseconds, Timestamp.millisecondsPerDay) }
    /// Whole hours since the epoch, rounded down.
    @inlinable public var hour: Int64 { Timestamp.floorDivide(milliseconds, Timestamp.millisecondsPerHour) }

    /// Division that rounds towards minus infinity, for a positive divisor.
    @inlinable
    public static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
        let quotient = value / divisor
        return value % divisor < 0 ? quotient - 1 : quotient
    }
}

// MARK: - RFC 3339

extension Timestamp {
    /// Reads RFC 3339 text (`2026-01-31T12:00:00.000Z`, any offset, up to 64 characters; three
    /// fraction digits count).
    /// A leap second counts as the second after it. `nil` for anything else, or outside the years 1 to 9999.
    public init?(rfc3339 text: UnsafeRawBufferPointer) {
        guard text.count >= 20, text.count <= 64 else { return nil }
        func digits(_ start: Int, _ count: Int) -> Int64? {
            guard start + count <= text.count else { return nil }
            var value: Int64 = 0
            for index in start..<(start + count) {
                let digit = text[index] &- 48
                guard digit <= 9 else { return nil }
                value = value * 10 + Int64(digit)
            }
            return value
        }
        guard let year = digits(0, 4), text[4] == 45, let month = digits(5, 2), text[7] == 45, let day = digits(8, 2),
            text[10] | 32 == 116 || text[10] == 32, let hour = digits(11, 2), text[13] == 58,
            let minute = digits(14, 2), text[16] == 58, let second = digits(17, 2)
        else { return nil }
        guard year >= 1, (1...12).contains(month), day >= 1, day <= Timestamp.days(inMonth: month, year: year),
            hour <= 23, minute <= 59, second <= 60
        else { return nil }
        var index = 19
        var fraction: Int64 = 0
        if text[index] == 46 {
            index += 1
            var scale: Int64 = 100
            let first = index
            while index < text.count, text[index] &- 48 <= 9 {
                fraction += Int64(text[index] &- 48) * scale
                scale /= 10
                index += 1
            }
            guard index > first else { return nil }
        }
        guard index < text.count else { return nil }
        var offset: Int64 = 0
        if text[index] | 32 == 122 {
            guard index + 1 == text.count else { return nil }
        } else {
            let sign: Int64
            switch text[index] {
            case 43: sign = 1
            case 45: sign = -1
            default: return nil
            }
            guard index + 6 == text.count, text[index + 3] == 58, let offsetHour = digits(index + 1, 2),
                let offsetMinute = digits(index + 4, 2), offsetHour <= 23, offsetMinute <= 59
            else { return nil }
            offset = sign * (offsetHour * 60 + offsetMinute)
        }
        let days = Timestamp.days(fromCivilYear: year, month: month, day: day)
        let seconds = ((days * 24 + hour) * 60 + minute - offset) * 60 + second
        let milliseconds = seconds * 1000 + fraction
        guard milliseconds >= Timestamp.earliest, milliseconds <= Timestamp.latest else { return nil }
        self.init(milliseconds: milliseconds)
    }

    /// Reads RFC 3339 text; see ``init(rfc3339:)-(UnsafeRawBufferPointer)``.
    public init?(rfc3339 text: String) {
        var copy = text
        let parsed = copy.withUTF8 { Timestamp(rfc3339: UnsafeRawBufferPointer($0)) }
        guard let parsed else { return nil }
        self = parsed
    }

    /// RFC 3339 in UTC with milliseconds, always 24 characters: `2026-01-31T12:00:00.000Z`. Moments outside the years
    /// 1 to 9999 are shown as the nearest one inside.
    public var rfc3339: String {
        String(unsafeUninitializedCapacity: 24) { buffer in
            withRFC3339 { text in
                for index in 0..<24 { buffer[index] = text[index] }
            }
            return 24
        }
    }

    /// Calls `body` with the 24 bytes of ``rfc3339``. Allocates nothing.
    @inlinable
    public func withRFC3339<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        withUnsafeTemporaryAllocation(byteCount: 24, alignment: 1) { buffer in
            let clamped = min(max(milliseconds, Timestamp.earliest), Timestamp.latest)
            let day = Timestamp.floorDivide(clamped, Timestamp.millisecondsPerDay)
            var rest = clamped - day * Timestamp.millisecondsPerDay
            let (year, month, dayOfMonth) = Timestamp.civil(fromDays: day)
            func put(_ value: Int64, _ start: Int, _ count: Int) {
                var value = value
                for index in stride(from: start + count - 1, through: start, by: -1) {
                    buffer[index] = UInt8(truncatingIfNeeded: 48 + value % 10)
                    value /= 10
                }
            }
            put(year, 0, 4)
            put(month, 5, 2)
            put(dayOfMonth, 8, 2)
            put(rest / 3_600_000, 11, 2)
            rest %= 3_600_000
            put(rest / 60_000, 14, 2)
            rest %= 60_000
            put(rest / 1000, 17, 2)
            put(rest % 1000, 20, 3)
            buffer[4] = 45
            buffer[7] = 45
            buffer[10] = 84
            buffer[13] = 58
            buffer[16] = 58
            buffer[19] = 46
            buffer[23] = 90
            return body(UnsafeRawBufferPointer(buffer))
        }
    }

    static func days(inMonth month: Int64, year: Int64) -> Int64 {
        switch month {
        case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days since the epoch of a date in the proleptic Gregorian calendar (Howard Hinnant, "chrono-compatible
    /// low-level date algorithms").
    static func days(fromCivilYear year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = floorDivide(shifted, 400)
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    /// The inverse of ``days(fromCivilYear:month:day:)``.
    @usableFromInline
    static func civil(fromDays days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = floorDivide(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthIndex = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthIndex + 2) / 5 + 1
        let month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }
}
