extension JSONScanner {
    /// Line and column (1-based, columns in Unicode scalars) of a byte offset. Costs a walk from the start.
    public static func position(of offset: Int, in bytes: UnsafeBufferPointer<UInt8>) -> (line: Int, column: Int) {
        var line = 1
        var column = 1
        for index in 0..<min(offset, bytes.count) {
            if bytes[index] == Byte.lineFeed {
                line += 1
                column = 1
            } else if bytes[index] & 0xC0 != 0x80 {
                column += 1
            }
        }
        return (line, column)
    }

    /// An error at `offset`, or at the place of the next byte when nil; for callers that refuse what they have read.
    @inline(never)
    public func fault(_ code: JSONError.Code, _ message: String, at offset: Int? = nil) -> JSONError {
        let offset = offset ?? self.offset
        let position = Self.position(of: offset, in: bytes)
        return JSONError(
            code: code, message: message, offset: offset, line: position.line, column: position.column)
    }

    @inline(never)
    func unexpectedByte(_ expected: String) -> JSONError {
        fault(.unexpected, "\(shown(bytes[offset])) where \(expected) was expected")
    }

    /// A byte as people can read it.
    func shown(_ byte: UInt8) -> String {
        if byte > Byte.space && byte < 0x7F { return "`\(Character(UnicodeScalar(byte)))`" }
        let hex = String(byte, radix: 16, uppercase: true)
        return "byte 0x\(hex.count < 2 ? "0" : "")\(hex)"
    }

    /// The text, cut to what fits a message.
    func excerpt(_ text: JSONText) -> String {
        let whole = decode(text)
        return whole.count <= 60 ? whole : String(whole.prefix(60)) + "…"
    }
}
