// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ConsentTerms} from "../types/Consent.sol";
import {Question, QuestionState, QuestionWord} from "../types/Question.sol";

/// @title Asking a patient for access
/// @notice Whoever takes part may ask for categories, purposes and a period, and say why in a sealed reason; the patient
/// grants that or less, or declines. A question permits nothing. Somebody whom she denies cannot ask.
interface IQuestions {
    /// @notice Somebody asked a patient for access; `reason` is the digest of the sealed reason.
    event QuestionAsked(
        bytes32 indexed id,
        address indexed patient,
        address indexed asker,
        ConsentTerms terms,
        bytes32 reason
    );
    /// @notice The patient granted what was asked, or less, by the asker's consent under `scope`.
    event QuestionGranted(bytes32 indexed id, address indexed patient, bytes32 scope);
    /// @notice The patient declined.
    event QuestionDeclined(bytes32 indexed id, address indexed patient);
    /// @notice The asker took the question back.
    event QuestionTakenBack(bytes32 indexed id, address indexed patient);

    /// @notice The very same question was asked before.
    error QuestionAlreadyAsked(bytes32 id);
    /// @notice The question is not open: never asked, answered, or taken back.
    error QuestionNotOpen(bytes32 id, QuestionState state);
    /// @notice The answer gives more than was asked for.
    error AnswerWider(bytes32 id);
    /// @notice The patient denies the asker, who therefore cannot ask.
    error AskingDenied(address patient, address asker);
    /// @notice Only the asker takes a question back.
    error NotTheAsker(address caller, address asker);

    /// @notice Ask a patient for access to what a consent with these terms would give; never for ever.
    /// @param patient who is asked; not the caller
    /// @param terms categories, purposes, period, may-write, packed as `ConsentTerms`
    /// @param reason digest of the sealed reason
    /// @return id keccak256 of asker, patient, terms and reason
    function ask(address patient, ConsentTerms terms, bytes32 reason) external returns (bytes32 id);

    /// @notice Patient, or her delegate with the power to grant: grant what was asked, or less.
    /// @param scope which of the pair's consents, as in `grant`
    /// @param terms no wider than the question's
    /// @param document digest of the sealed consent document
    function grantAsAsked(Question calldata question, bytes32 scope, ConsentTerms terms, bytes32 document) external;

    /// @notice Patient, or her delegate with the power to grant: decline.
    function decline(Question calldata question) external;

    /// @notice Asker only: take the question back.
    function takeBack(Question calldata question) external;

    /// @notice The packed word of a question; zero if it was never asked.
    function questionOf(bytes32 id) external view returns (QuestionWord);
}
