/// Bytes at a fixed address, in one allocation, so that libpq can read them in place.
///
/// `@unchecked Sendable`: written only by the function that creates it, before anyone else has the reference.
struct WireBuffer: @unchecked Sendable {
    private let storage: ManagedBuffer<Int, UInt8>

    /// Makes a buffer of exactly `count` bytes and lets `fill` write them all.
    @inline(__always)
    static func make(count: Int, _ fill: (UnsafeMutableRawPointer) -> Void) -> WireBuffer {
        let storage = ManagedBuffer<Int, UInt8>.create(minimumCapacity: count) { _ in count }
        storage.withUnsafeMutablePointerToElements { fill(UnsafeMutableRawPointer($0)) }
        return WireBuffer(storage: storage)
    }

    static func make(copying bytes: UnsafeRawBufferPointer) -> WireBuffer {
        make(count: bytes.count) { target in
            if let source = bytes.baseAddress { target.copyMemory(from: source, byteCount: bytes.count) }
        }
    }

    /// Number of bytes.
    var count: Int { storage.header }

    /// Valid while the buffer lives: tail allocations do not move.
    var address: UnsafeRawPointer { storage.withUnsafeMutablePointerToElements { UnsafeRawPointer($0) } }
}

extension UnsafeMutableRawPointer {
    /// Writes an integer in network order at a byte offset.
    @inline(__always)
    func put<T: FixedWidthInteger & BitwiseCopyable>(_ value: T, at offset: Int) {
        storeBytes(of: value.bigEndian, toByteOffset: offset, as: T.self)
    }
}

extension UnsafeRawPointer {
    /// Reads an integer in network order at a byte offset.
    @inline(__always)
    func get<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type, at offset: Int) -> T {
        T(bigEndian: loadUnaligned(fromByteOffset: offset, as: T.self))
    }
}
