extension JSONScanner {
    /// Walks the members of the next object. `member` is called after the colon and must consume exactly the value.
    ///
    /// Throws `JSONError` for faults of the text, `duplicateKey` included, and whatever `member` throws.
    public mutating func scanObject(_ member: (inout JSONScanner, JSONText) throws -> Void) throws {
        guard try nextKind() == .object else { throw fault(.wrongKind, "an object was expected") }
        var keys = try openObject()
        while let key = try nextKey(&keys) { try member(&self, key) }
    }

    /// Walks the elements of the next array. `element` gets the index, from 0, and must consume exactly the value.
    public mutating func scanArray(_ element: (inout JSONScanner, Int) throws -> Void) throws {
        guard try nextKind() == .array else { throw fault(.wrongKind, "an array was expected") }
        try enter()
        var index = 0
        while try nextElement(isFirst: index == 0) {
            try element(&self, index)
            index += 1
        }
    }

    mutating func skipObject() throws(JSONError) {
        var keys = try openObject()
        while try nextKey(&keys) != nil { try skipValue() }
    }

    mutating func skipArray() throws(JSONError) {
        try enter()
        var isFirst = true
        while try nextElement(isFirst: isFirst) {
            try skipValue()
            isFirst = false
        }
    }

    /// What is known of the keys of one open object.
    struct ObjectKeys {
        /// Where this object's keys start in `openKeys`.
        let base: Int
        /// All keys seen, decoded; made only for objects with many members.
        var many: Set<[UInt8]>?
        var isFirst = true
    }

    mutating func openObject() throws(JSONError) -> ObjectKeys {
        try enter()
        return ObjectKeys(base: openKeys.count)
    }

    /// The next key with its colon consumed; nil at the closing brace, which is consumed too.
    mutating func nextKey(_ keys: inout ObjectKeys) throws(JSONError) -> JSONText? {
        skipWhitespace()
        guard offset < bytes.count else { throw fault(.cutShort, "the text ends inside an object") }
        if bytes[offset] == Byte.closeBrace {
            offset += 1
            depth -= 1
            openKeys.removeSubrange(keys.base...)
            return nil
        }
        if !keys.isFirst {
            guard bytes[offset] == Byte.comma else { throw unexpectedByte("`,` or `}`") }
            offset += 1
            skipWhitespace()
            guard offset < bytes.count else { throw fault(.cutShort, "the text ends inside an object") }
        }
        keys.isFirst = false
        guard bytes[offset] == Byte.quote else { throw unexpectedByte("a member's name in quotes") }
        let start = offset
        let key = try scanString()
        try note(key, startingAt: start, in: &keys)
        skipWhitespace()
        guard offset < bytes.count else { throw fault(.cutShort, "the text ends inside an object") }
        guard bytes[offset] == Byte.colon else { throw unexpectedByte("`:`") }
        offset += 1
        return key
    }

    /// True when an element follows; false at the closing bracket, which is consumed then.
    mutating func nextElement(isFirst: Bool) throws(JSONError) -> Bool {
        skipWhitespace()
        guard offset < bytes.count else { throw fault(.cutShort, "the text ends inside an array") }
        if bytes[offset] == Byte.closeBracket {
            offset += 1
            depth -= 1
            return false
        }
        if isFirst { return true }
        guard bytes[offset] == Byte.comma else { throw unexpectedByte("`,` or `]`") }
        offset += 1
        skipWhitespace()
        if offset < bytes.count, bytes[offset] == Byte.closeBracket { throw unexpectedByte("a value") }
        return true
    }

    /// Consumes the opening bracket or brace.
    mutating func enter() throws(JSONError) {
        guard depth < depthLimit else {
            throw fault(.tooDeep, "nested deeper than \(depthLimit) levels")
        }
        depth += 1
        offset += 1
    }

    private mutating func note(_ key: JSONText, startingAt start: Int, in keys: inout ObjectKeys) throws(JSONError) {
        if keys.many != nil {
            guard keys.many?.insert(decodedBytes(key)).inserted == true else { throw duplicate(key, at: start) }
            return
        }
        var index = keys.base
        while index < openKeys.count {
            if isSame(openKeys[index], key) { throw duplicate(key, at: start) }
            index += 1
        }
        openKeys.append(key)
        if openKeys.count - keys.base > Self.keysComparedMax {
            keys.many = Set(openKeys[keys.base...].map { decodedBytes($0) })
        }
    }

    private func duplicate(_ key: JSONText, at start: Int) -> JSONError {
        fault(.duplicateKey, "the member `\(excerpt(key))` appears twice", at: start)
    }
}
