// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Proposals} from "./Proposals.sol";
import {Cosignature} from "./types/Cosignature.sol";
import {Delegation} from "./types/Delegation.sol";
import {BreakGlass, Review} from "./types/Emergency.sol";
import {QuestionWord} from "./types/Question.sol";

/// @title What care needs beyond consents: delegates, emergencies, questions, second signatures
/// @dev The state alone, one word each, behind that of `Prescriptions`, so that acts and decision have it in the same
/// slots; the rules stand with the acts, in `RareDelegations`, `RareQuestions`, `RareCosignatures`, `RareEmergencies`.
abstract contract Care is Proposals {
    /// @dev How often the people of an organization broke the glass, and how many of those openings were reviewed.
    struct Tally {
        uint64 opened;
        uint64 reviewed;
    }

    mapping(address patient => mapping(address delegate => Delegation)) internal _delegations;
    mapping(address patient => mapping(address clinician => BreakGlass)) internal _brokenGlass;
    mapping(bytes32 opening => Review) internal _reviews;
    mapping(address organization => Tally) internal _tallies;
    mapping(bytes32 id => QuestionWord) internal _questions;
    mapping(bytes32 digest => Cosignature) internal _cosignatures;
}
