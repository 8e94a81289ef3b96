// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IQuestions} from "../interfaces/IQuestions.sol";
import {ConsentTerms} from "../types/Consent.sol";
import {DelegatedAct, POWER_GRANT} from "../types/Delegation.sol";
import {Question, QuestionState, QuestionWord, newQuestion, questionId} from "../types/Question.sol";
import {Participant} from "../types/Participant.sol";
import {RareDelegations} from "./RareDelegations.sol";

/// @title Asking a patient for access
/// @dev One word a question, under an id that commits to all of it; whoever answers supplies it again.
abstract contract RareQuestions is IQuestions, RareDelegations {
    /// @inheritdoc IQuestions
    function ask(address patient, ConsentTerms terms, bytes32 reason) external returns (bytes32 id) {
        Participant asker = _requireRegistered(msg.sender);
        if (patient == msg.sender) revert GranteeInvalid(patient);
        _requirePatient(patient);
        if (_isDenied(patient, msg.sender, asker)) revert AskingDenied(patient, msg.sender);
        (uint40 notBefore, uint40 expiry) = (terms.notBefore(), terms.expiry());
        if (!terms.isWellFormed() || expiry == type(uint40).max) revert ConsentTermsInvalid(terms);
        if (expiry <= notBefore || expiry <= block.timestamp) revert ConsentPeriodEmpty(notBefore, expiry);
        id = questionId(msg.sender, patient, terms, reason);
        if (_questions[id].state() != QuestionState.None) revert QuestionAlreadyAsked(id);

        _questions[id] = newQuestion();

        emit QuestionAsked(id, patient, msg.sender, terms, reason);
    }

    /// @inheritdoc IQuestions
    function grantAsAsked(Question calldata question, bytes32 scope, ConsentTerms terms, bytes32 document) external {
        (address patient, address asker) = (question.patient, question.asker);
        if (msg.sender != patient) _requireMayGrant(patient, asker, terms);
        bytes32 id = _change(question, QuestionState.Granted);
        if (!question.covers(terms)) revert AnswerWider(id);
        _grant({patient: patient, grantee: asker, scope: scope, terms: terms, document: document});
        emit QuestionGranted(id, patient, scope);
        if (msg.sender != patient) emit DoneByDelegate(patient, msg.sender, id, DelegatedAct.GrantAsAsked);
    }

    /// @inheritdoc IQuestions
    function decline(Question calldata question) external {
        address patient = question.patient;
        if (msg.sender != patient) {
            _requireDelegated(patient, POWER_GRANT, question.terms.categories());
            _requireNotHimself(question.asker);
        }
        _requirePatient(patient);
        bytes32 id = _change(question, QuestionState.Declined);
        emit QuestionDeclined(id, patient);
        if (msg.sender != patient) emit DoneByDelegate(patient, msg.sender, id, DelegatedAct.Decline);
    }

    /// @inheritdoc IQuestions
    function takeBack(Question calldata question) external {
        _requireRegistered(msg.sender);
        if (msg.sender != question.asker) revert NotTheAsker(msg.sender, question.asker);
        bytes32 id = _change(question, QuestionState.TakenBack);
        emit QuestionTakenBack(id, question.patient);
    }

    /// @inheritdoc IQuestions
    function questionOf(bytes32 id) external view returns (QuestionWord) {
        return _questions[id];
    }

    function _change(Question calldata question, QuestionState state) private returns (bytes32 id) {
        id = question.idOf();
        QuestionWord current = _questions[id];
        if (current.state() != QuestionState.Open) revert QuestionNotOpen(id, current.state());
        _questions[id] = current.withState(state);
    }
}
