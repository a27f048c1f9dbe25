import Foundation
import Identity
import Testing

@Suite struct KeyPairTests {
    @Test func `a key is in its file with mode 0600 and comes back`() throws {
        try withDirectory { directory in
            let file = directory.appendingPathComponent("key.pem")
            let made = try KeyPair.create(at: file)
            #expect(try mode(of: file) == 0o600)
            #expect(try KeyPair.load(from: file).pem == made.pem)
            refused(.fileExists) { try KeyPair.create(at: file) }
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["key.pem"])
        }
    }

    @Test func `a dangling link is not followed to make a key elsewhere`() throws {
        try withDirectory { directory in
            let link = directory.appendingPathComponent("key.pem")
            let elsewhere = directory.appendingPathComponent("elsewhere.pem")
            try FileManager.default.createSymbolicLink(at: link, withDestinationURL: elsewhere)
            refused(.fileExists) { try KeyPair.create(at: link) }
            #expect(!FileManager.default.fileExists(atPath: elsewhere.path))
        }
    }

    @Test func `neither description nor dump shows the key`() throws {
        let key = KeyPair()
        var dumped = ""
        dump(key, to: &dumped)
        #expect("\(key)" == "KeyPair(P-256)")
        #expect(String(reflecting: key) == "KeyPair(P-256)")
        #expect(!dumped.contains("privateKey"))
    }

    @Test func `what is no P-256 key is refused and its text is in no message`() throws {
        let error = refused(.unreadable) { try KeyPair(pem: "secret words") }
        #expect(error.map { "\($0)" }?.contains("secret") == false)
        try withDirectory { directory in
            let file = directory.appendingPathComponent("key.pem")
            try "secret words".write(to: file, atomically: true, encoding: .utf8)
            try setMode(0o600, of: file)
            let error = refused(.unreadable) { try KeyPair.load(from: file) }
            #expect(error?.message.contains("secret") == false)
            #expect(error?.message.contains(file.path) == true)
        }
    }
}
