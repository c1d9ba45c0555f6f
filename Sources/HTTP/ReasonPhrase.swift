internal import CMicroHTTPD

/// The words that HTTP has for a status.
func reasonPhrase(_ status: Int) -> String {
    guard status >= 100, status <= 999, let phrase = MHD_get_reason_phrase_for(UInt32(status)) else { return "Error" }
    return String(cString: phrase)
}
