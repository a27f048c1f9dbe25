import Identity
import Testing

@Suite struct EnrolmentTokenTests {
    @Test func `a token has 160 bits in eight groups and its hash has 32 bytes`() {
        let made = EnrolmentToken.make()
        #expect(made.token.wholeMatch(of: /([0-9a-hjkmnp-tv-z]{4}-){7}[0-9a-hjkmnp-tv-z]{4}/) != nil)
        #expect(made.hash.count == 32)
        #expect(EnrolmentToken.bits >= 128)
        #expect(EnrolmentToken.hash(made.token) == made.hash)
    }

    @Test func `no two tokens are the same`() {
        let tokens = (0..<1000).map { _ in EnrolmentToken.make().token }
        #expect(Set(tokens).count == tokens.count)
    }

    @Test func `a token read out and typed in another way is the same token`() {
        let hash = EnrolmentToken.hash("01ab-cdef-ghjk-mnpq-rstv-wxyz-0123-4567")
        #expect(EnrolmentToken.hash("01ABCDEFGHJKMNPQRSTVWXYZ01234567") == hash)
        #expect(EnrolmentToken.hash(" olab cdef ghjk mnpq rstv wxyz oI23 4567\r\n") == hash)
        #expect(EnrolmentToken.hash("01ab-cdef-ghjk-mnpq-rstv-wxyz-0123-4568") != hash)
        #expect(EnrolmentToken.hash("") != hash)
    }
}
