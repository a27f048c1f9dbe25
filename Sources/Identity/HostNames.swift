import FoundationEssentials
import SwiftASN1
import X509

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The names under which clients reach a coordinator, as they go into its certificate.
struct HostNames {
    let names: [GeneralName]

    /// The most names of one certificate.
    static let namesMax = 32
    /// The most characters of a DNS name and of one label (RFC 1035, section 2.3.4).
    static let dnsCharactersMax = 253
    static let labelCharactersMax = 63

    /// Throws `otherNames` for too many names, a DNS name that is no plain host name (wildcards included), and text
    /// that is neither an IPv4 nor an IPv6 address.
    init(dnsNames: [String], ipAddresses: [String]) throws(IdentityError) {
        guard dnsNames.count + ipAddresses.count <= Self.namesMax else {
            throw IdentityError(.otherNames, "a certificate carries at most \(Self.namesMax) host names and addresses")
        }
        var names: [GeneralName] = []
        for name in dnsNames {
            guard Self.isHostName(name) else {
                throw IdentityError(.otherNames, "\(excerpt(name)) is no host name (lower case, no wildcard)")
            }
            names.append(.dnsName(name))
        }
        for address in ipAddresses {
            guard let octets = Self.octets(of: address) else {
                throw IdentityError(.otherNames, "\(excerpt(address)) is neither an IPv4 nor an IPv6 address")
            }
            names.append(.ipAddress(ASN1OctetString(contentBytes: octets[...])))
        }
        self.names = names
    }

    private static func isHostName(_ name: String) -> Bool {
        guard (1...dnsCharactersMax).contains(name.utf8.count) else { return false }
        let labels = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        // A last label of digits alone is an address, not a name.
        guard let last = labels.last, !last.allSatisfy(isDigit) else { return false }
        return labels.allSatisfy { label in
            (1...labelCharactersMax).contains(label.count)
                && label.first != UInt8(ascii: "-") && label.last != UInt8(ascii: "-")
                && label.allSatisfy { isDigit($0) || isLetter($0) || $0 == UInt8(ascii: "-") }
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    private static func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }

    /// Network order; nil for text that is no address.
    private static func octets(of address: String) -> [UInt8]? {
        // C sees text end at a zero byte, what comes after it would go unread.
        guard !address.utf8.contains(0) else { return nil }
        var four = in_addr()
        if inet_pton(AF_INET, address, &four) == 1 { return withUnsafeBytes(of: four) { Array($0) } }
        var sixteen = in6_addr()
        if inet_pton(AF_INET6, address, &sixteen) == 1 { return withUnsafeBytes(of: sixteen) { Array($0) } }
        return nil
    }
}
