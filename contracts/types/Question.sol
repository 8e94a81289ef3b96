// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ConsentTerms} from "./Consent.sol";

/// @notice What somebody asks a patient for: all that the question's id commits to.
struct Question {
    /// who asks, and would be the grantee
    address asker;
    /// who is asked
    address patient;
    /// what is asked for: categories, purposes, period, may-write
    ConsentTerms terms;
    /// digest of the sealed reason
    bytes32 reason;
}

enum QuestionState {
    None,
    Open,
    Granted,
    Declined,
    TakenBack
}

/// @notice What has become of one question, in one storage word, under its id.
/// @dev From high to low: 168 spare bits | `changedAt` (uint40, seconds, when it was answered or taken back) | `askedAt`
/// (uint40, seconds) | `state` (uint8). Zero: never asked.
type QuestionWord is uint256;

using {idOf, covers} for Question global;
using {state, askedAt, changedAt, withState} for QuestionWord global;

function idOf(Question calldata self) pure returns (bytes32) {
    return questionId(self.asker, self.patient, self.terms, self.reason);
}

function questionId(address asker, address patient, ConsentTerms terms, bytes32 reason) pure returns (bytes32) {
    return keccak256(abi.encode(asker, patient, terms, reason));
}

/// @notice Whether an answer gives nothing that was not asked for.
function covers(Question calldata self, ConsentTerms answer) pure returns (bool) {
    ConsentTerms asked = self.terms;
    return
        answer.categories() & ~asked.categories() == 0 &&
        answer.purposes() & ~asked.purposes() == 0 &&
        answer.notBefore() >= asked.notBefore() &&
        answer.expiry() <= asked.expiry() &&
        (asked.mayWrite() || !answer.mayWrite());
}

function newQuestion() view returns (QuestionWord) {
    return QuestionWord.wrap(uint256(QuestionState.Open) | (block.timestamp << 8));
}

function state(QuestionWord self) pure returns (QuestionState) {
    return QuestionState(uint8(QuestionWord.unwrap(self)));
}

function askedAt(QuestionWord self) pure returns (uint40) {
    return uint40(QuestionWord.unwrap(self) >> 8);
}

function changedAt(QuestionWord self) pure returns (uint40) {
    return uint40(QuestionWord.unwrap(self) >> 48);
}

/// @notice The same after an answer, or after it was taken back, now.
function withState(QuestionWord self, QuestionState state_) view returns (QuestionWord) {
    return QuestionWord.wrap((uint256(self.askedAt()) << 8) | (block.timestamp << 48) | uint256(state_));
}
