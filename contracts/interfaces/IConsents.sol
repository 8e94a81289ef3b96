// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Consent, ConsentTerms, SignedTerms} from "../types/Consent.sol";

/// @notice A consent that the patient signed (EIP-712 `ConsentGrant`) and somebody else submits. Who signed it, grants.
struct SignedGrant {
    /// person, team or organization
    address grantee;
    /// which consent of the pair: a number below 2**16, or the digest of the one record it is about
    bytes32 scope;
    /// categories, purposes, period, may-write; and until when the signature is good
    SignedTerms terms;
    /// digest of the sealed consent document, a FHIR Consent
    bytes32 document;
    /// EIP-2098 compact signature
    bytes32 r;
    bytes32 vs;
}

/// @title Who may read what, for which purpose, until when
/// @notice A consent belongs to a patient, a grantee and a scope. It is made once and ends once: whoever grants again
/// uses the pair's next number. The pair's consent number 0 also carries the patient's denial, which wins over
/// everything. Consents that a clinic collected off chain are anchored as one Merkle root (`anchorConsents`).
interface IConsents {
    /// @notice A patient granted access. `scope` below 2**16 numbers the pair's consents; else it is a record's digest.
    event ConsentGranted(
        address indexed patient,
        address indexed grantee,
        bytes32 scope,
        ConsentTerms terms,
        bytes32 document
    );
    /// @notice From this second on no decision rests on the consent.
    event ConsentWithdrawn(address indexed patient, address indexed grantee, bytes32 scope);
    /// @notice A patient denied a person, team or organization everything.
    event AccessDenied(address indexed patient, address indexed grantee);
    /// @notice A patient lifted her denial; her consents count again.
    event DenialLifted(address indexed patient, address indexed grantee);
    /// @notice Many signed consents were anchored as a Merkle root; `manifest` is the digest of their list.
    event ConsentsAnchored(bytes32 indexed root, address indexed author, uint32 count, bytes32 manifest);

    /// @notice The terms name no category, no grantable purpose, or set bits that mean nothing.
    error ConsentTermsInvalid(ConsentTerms terms);
    /// @notice The consent would end before, or at, the moment it begins, or is over already.
    error ConsentPeriodEmpty(uint40 notBefore, uint40 expiry);
    /// @notice The scope of this pair was used, by a grant or by voiding a signed one.
    error ConsentScopeUsed(address patient, address grantee, bytes32 scope);
    /// @notice The consent was withdrawn already.
    error ConsentAlreadyWithdrawn(address patient, address grantee, bytes32 scope);
    /// @notice Nobody grants to herself or to the zero address.
    error GranteeInvalid(address grantee);
    /// @notice The denial is as asked for already.
    error DenialUnchanged(address patient, address grantee, bool denied);
    /// @notice The signature's deadline has passed.
    error DeadlinePassed(uint40 deadline);
    /// @notice The signature is not by the one it should be by.
    error SignatureInvalid(address expected, address recovered);
    /// @notice More items in one transaction than a block should carry.
    error TooMany(uint256 count, uint256 most);
    /// @notice This root was anchored already.
    error BatchAlreadyAnchored(bytes32 root);
}

/// @title Who may read what: granting, withdrawing, denying
/// @notice The acts that are functions of `HealthLedger` itself.
interface IEverydayConsents is IConsents {
    /// @notice Grant access as the patient.
    /// @param grantee person, team or organization
    /// @param scope a number below 2**16 not used before with this grantee, or a record's digest
    /// @param terms categories, purposes, period, may-write, packed as `ConsentTerms`
    /// @param document digest of the sealed consent document
    function grant(address grantee, bytes32 scope, ConsentTerms terms, bytes32 document) external;

    /// @notice Submit a consent that its patient signed. Whoever signed these words grants, and must be a patient: a
    /// signature over other words leads to an address that is nobody's.
    function grantSigned(SignedGrant calldata signed) external;

    /// @notice Submit up to 100 consents that their patients signed; one bad one reverts all.
    function grantManySigned(SignedGrant[] calldata signed) external;

    /// @notice Withdraw a consent as the patient. A scope never granted is voided: a signed grant for it is dead.
    function withdraw(address grantee, bytes32 scope) external;

    /// @notice Deny a person, team or organization everything, or lift the denial, as the patient.
    function setDenial(bool denied, address grantee) external;

    /// @notice Anchor many signed consents as one root: each stays provable, and withdrawable by its patient.
    /// @param root of the OpenZeppelin-style Merkle tree over `consentLeaf`s
    /// @param count number of leaves
    /// @param manifest digest of the stored list of leaves
    function anchorConsents(bytes32 root, uint32 count, bytes32 manifest) external;
}

/// @title Who may read what: withdrawals and denials that their patient signed
/// @notice The acts and views whose code is in `HealthLedgerExtension`; called at the ledger's address all the same.
interface IRareConsents is IConsents {
    /// @notice Submit a withdrawal that its patient signed (EIP-712 `ConsentWithdrawal`).
    function withdrawSigned(
        address patient,
        address grantee,
        bytes32 scope,
        uint40 deadline,
        bytes32 r,
        bytes32 vs
    ) external;

    /// @notice Submit a denial, or its lifting, that its patient signed (EIP-712 `ConsentDenial`, which names how often
    /// this denial has changed before).
    function setDenialSigned(
        address patient,
        address grantee,
        bool denied,
        uint40 deadline,
        bytes32 r,
        bytes32 vs
    ) external;

    /// @notice The packed word of a consent; zero if never made. Number 0 of a pair also says whether it is denied.
    function consentOf(address patient, address grantee, bytes32 scope) external view returns (Consent);
}
