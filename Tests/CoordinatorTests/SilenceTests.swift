import Testing

@testable import Coordinator

@Suite("How long the database has said nothing (P3, P12)")
struct SilenceTests {
    private let begin = ContinuousClock.now

    @Test("only time in which the process was awake to hear counts")
    func frozen() {
        var silence = Silence(at: begin)
        silence.look(at: begin + .milliseconds(250), heardAt: begin)
        #expect(silence.length == .milliseconds(250))
        silence.look(at: begin + .seconds(100), heardAt: begin)
        #expect(silence.length == .milliseconds(250) + Silence.lookMax)
    }

    @Test("an answer begins it anew, an old one does not")
    func answers() {
        var silence = Silence(at: begin)
        for step in 1...12 { silence.look(at: begin + .milliseconds(250 * step), heardAt: begin) }
        #expect(silence.length == .seconds(3))
        silence.look(at: begin + .milliseconds(3_250), heardAt: begin + .milliseconds(3_100))
        #expect(silence.length == .zero)
        silence.look(at: begin + .milliseconds(3_500), heardAt: begin + .milliseconds(3_100))
        #expect(silence.length == .milliseconds(250))
    }
}
