import Testing

@testable import plimsoll

@Suite struct ProgressTests {
    private func picture(_ done: Int, _ total: Int, _ elapsed: Duration = .zero, unit: String = "labels")
        -> ProgressPicture
    {
        ProgressPicture(title: "labels", done: done, total: total, unit: unit, elapsed: elapsed)
    }

    @Test func `the bar fills from nothing to all`() {
        #expect(picture(0, 10).line(columns: 50) == "labels  [......................]  0%  0/10 labels")
        #expect(picture(5, 10).line(columns: 50) == "labels  [##########...........]  50%  5/10 labels")
        #expect(!picture(10, 10).line(columns: 50).contains("."))
    }

    @Test(arguments: [0, 1, 10, 20, 40, 80, 200])
    func `a line never reaches the last column`(columns: Int) {
        for done in [0, 1, 999, 1_000_000] {
            #expect(picture(done, 1_000_000, .seconds(7)).line(columns: columns).count <= max(0, columns - 1))
        }
    }

    @Test func `more than all is all`() {
        #expect(picture(20, 10).percent == 100)
    }

    @Test func `an unknown end shows a count`() {
        #expect(picture(1_234_567, 0).line(columns: 80) == "labels  1,234,567 labels")
    }

    @Test func `what is left is told once it can be known`() {
        #expect(picture(25, 100, .seconds(10)).line(columns: 80).hasSuffix("30 s left"))
        #expect(picture(1, 100, .seconds(10)).line(columns: 80).hasSuffix("16 min left"))
        #expect(!picture(25, 100).line(columns: 80).contains("left"))
    }

    @Test func `sizes and counts are readable`() {
        #expect(ProgressPicture.size(999) == "999 B")
        #expect(ProgressPicture.size(1_500) == "1.5 kB")
        #expect(ProgressPicture.size(268_435_456) == "268.4 MB")
        #expect(ProgressPicture.grouped(-1_234) == "-1,234")
        #expect(ProgressPicture.grouped(123) == "123")
    }
}
