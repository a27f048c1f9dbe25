import Exchange
import Testing

@Suite struct LabelStudioImportTests {
    private let text = """
        [
          {"id": 7, "data": {"text": "a\\nb", "n": [1, 2]}, "meta": {"key": "first"}, "predictions": [{"score": 1}],
           "annotations": [
             {"id": 1, "completed_by": 3, "lead_time": 12.5, "result": [], "was_cancelled": false},
             {"id": 2, "ground_truth": true, "lead_time": 1, "was_cancelled": false, "result": [
               {"from_name": "sentiment", "to_name": "text", "type": "choices", "value": {"choices": ["good"]}}]}]},
          {"id": 8, "data": {}, "meta": {}, "allow_skip": false, "annotations": [
             {"ground_truth": true, "was_cancelled": true, "result": [{"value": {"choices": ["bad"]}}]},
             {"ground_truth": true, "result": [
               {"from_name": "tags", "value": {"choices": ["a", "b"]}}, {"from_name": "stars", "value": {"rating": 4}},
               {"from_name": "note", "value": {"text": ["fine"]}}]}]}
          , {"data": {"x": null}, "id": "nine"}
        ]

        """

    @Test("key, payload and gold are taken, the rest is left out and counted")
    func reads() async throws {
        let result = try await importing(.labelstudio, text)
        #expect(result.problems == [])
        #expect(result.records.map(\.key) == ["first", "8", "nine"])
        #expect(result.records.map(\.payloadText) == ["{\"text\":\"a\\nb\",\"n\":[1,2]}", "{}", "{\"x\":null}"])
        #expect(
            result.records.map(\.goldText) == [
                "\"good\"", "{\"tags\":[\"a\",\"b\"],\"stars\":4,\"note\":\"fine\"}", nil,
            ])
        #expect(
            result.remarks.map(\.description) == [
                "annotations left out: 2", "predictions left out: 1", "lead_time left out: 2",
                "allow_skip: false not honoured, since saying no is always possible: 1",
            ])
        for size in [1, 5, 64] {
            #expect(try await importing(.labelstudio, text, chunk: size).records == result.records)
        }
    }

    @Test("an empty array has no tasks")
    func empty() async throws {
        let result = try await importing(.labelstudio, " [ ] \n")
        #expect(result.records.isEmpty && result.problems.isEmpty)
    }

    @Test(
        "faults of one task leave the others",
        arguments: [
            ("{\"data\":{}}", 2, "no `id`", nil), ("{\"id\":3}", 2, "no `data`", "3"),
            ("{\"id\":3, \"data\":[]}", 18, "`data` must be an object", "3"),
            ("{\"id\":null,\"data\":{}}", 8, "whole number", nil),
            ("{\"id\":1,\"data\":{}}", 2, "row 1 and again in row 2", "1"),
        ] as [(String, Int, String, String?)])
    func faults(task: String, column: Int, message: String, key: String?) async throws {
        let result = try await importing(.labelstudio, "[{\"id\":1,\"data\":{}},\n \(task),\n{\"id\":2,\"data\":{}}]")
        #expect(result.records.map(\.key) == ["1", "2"])
        let problem = try #require(result.problems.first)
        #expect(problem.row == 2 && problem.line == 2 && problem.column == column, "\(problem)")
        #expect(problem.message.contains(message) && problem.key == key, "\(problem)")
    }

    @Test(
        "faults of the file end the reading at the exact place",
        arguments: [
            ("", 0, 1, 1, "the file is empty"), ("{\"id\":1}", 0, 1, 1, "must start with `[`"),
            ("[{\"id\":1,\"data\":{}}", 1, 1, 20, "cut short"), ("[{\"id\":1,\"data\":{}},", 2, 1, 21, "cut short"),
            ("[\n{\"id\":1,\"da", 1, 2, 12, "cut short"), ("[{\"id\":1,\"data\":{}} {}]", 1, 1, 21, "`,` or `]`"),
            ("[{\"id\":1,\"data\":{}}]\n[", 1, 2, 1, "follows the end"),
            ("[{\"id\":1,\"data\":{}},]", 2, 1, 21, "`]` where"),
            ("[{\"id\":1,\"data\":{}},\n  7]", 2, 2, 3, "must be an object"),
            ("[{\"id\":01}]", 1, 1, 8, "needless zero"),
        ])
    func fatal(text: String, row: Int, line: Int, column: Int, message: String) async throws {
        for chunk in [1, 1_000] {
            let result = try await importing(.labelstudio, text, chunk: chunk)
            #expect(result.stoppedEarly && result.problems.count == 1)
            let problem = try #require(result.problems.first)
            #expect(problem.row == row && problem.line == line && problem.column == column, "\(problem)")
            #expect(problem.message.contains(message), "\(problem)")
        }
    }
}
