// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";

import {ConsentTerms} from "./Consent.sol";
import {hashOfOne, hashOfTen} from "./Hashing.sol";

// EIP-712 struct hashes: what a patient's wallet shows her is what is hashed here, field by field.

bytes32 constant CONSENT_GRANT_TYPEHASH = keccak256(
    "ConsentGrant(address grantee,bytes32 scope,uint16 categories,uint16 purposes,uint40 notBefore,uint40 expiry,bool mayWrite,bytes32 document,uint40 deadline)"
);
bytes32 constant CONSENT_WITHDRAWAL_TYPEHASH = keccak256(
    "ConsentWithdrawal(address patient,address grantee,bytes32 scope,uint40 deadline)"
);
bytes32 constant CONSENT_DENIAL_TYPEHASH = keccak256(
    "ConsentDenial(address patient,address grantee,bool denied,uint16 changes,uint40 deadline)"
);
bytes32 constant REDEMPTION_TYPEHASH = keccak256(
    "Redemption(bytes32 prescription,uint8 fill,address pharmacist,uint16 fence,uint40 deadline)"
);
bytes32 constant PRESENTATION_TYPEHASH = keccak256(
    "Presentation(bytes32 prescription,uint8 fill,address reader,uint40 deadline)"
);

string constant DOMAIN_NAME = "HealthLedger";
string constant DOMAIN_VERSION = "1";
bytes32 constant DOMAIN_TYPEHASH = keccak256(
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
);

/// @notice The EIP-712 domain of a ledger.
function domainSeparator(uint256 chainId, address ledger) pure returns (bytes32) {
    bytes32 name = keccak256(bytes(DOMAIN_NAME));
    return keccak256(abi.encode(DOMAIN_TYPEHASH, name, keccak256(bytes(DOMAIN_VERSION)), chainId, ledger));
}

/// @dev Half the order of secp256k1: of the two signatures that fit, only the one with the smaller `s` counts (EIP-2).
uint256 constant MOST_S = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

/// @notice Who signed, by an EIP-2098 compact signature; never the zero address.
/// @dev `ECDSA.recover` of OpenZeppelin, with its errors but without the tuple in which it carries them about.
function signerOf(bytes32 hash, bytes32 r, bytes32 vs) pure returns (address signer) {
    bytes32 s = vs & bytes32(uint256(type(int256).max));
    if (uint256(s) > MOST_S) revert ECDSA.ECDSAInvalidSignatureS(s);
    unchecked {
        signer = ecrecover(hash, uint8((uint256(vs) >> 255) + 27), r, s);
    }
    if (signer == address(0)) revert ECDSA.ECDSAInvalidSignature();
}

function grantHash(
    address grantee,
    bytes32 scope,
    ConsentTerms terms,
    bytes32 document,
    uint40 deadline
) pure returns (bytes32) {
    return
        hashOfTen(
            CONSENT_GRANT_TYPEHASH,
            uint160(grantee),
            scope,
            terms.categories(),
            terms.purposes(),
            terms.notBefore(),
            terms.expiry(),
            terms.writing(),
            document,
            deadline
        );
}

function withdrawalHash(address patient, address grantee, bytes32 scope, uint40 deadline) pure returns (bytes32) {
    return keccak256(abi.encode(CONSENT_WITHDRAWAL_TYPEHASH, patient, grantee, scope, deadline));
}

function denialHash(
    address patient,
    address grantee,
    bool denied,
    uint16 changes,
    uint40 deadline
) pure returns (bytes32) {
    return keccak256(abi.encode(CONSENT_DENIAL_TYPEHASH, patient, grantee, denied, changes, deadline));
}

function redemptionHash(
    bytes32 prescription,
    uint8 fill,
    address pharmacist,
    uint16 fence,
    uint40 deadline
) pure returns (bytes32) {
    return keccak256(abi.encode(REDEMPTION_TYPEHASH, prescription, fill, pharmacist, fence, deadline));
}

function presentationHash(bytes32 prescription, uint8 fill, address reader, uint40 deadline) pure returns (bytes32) {
    return keccak256(abi.encode(PRESENTATION_TYPEHASH, prescription, fill, reader, deadline));
}

/// @notice The leaf of one signed consent in a batch, hashed twice so that no inner node passes for a leaf. It says whose it
/// is, which the signed words do not.
function consentLeaf(bytes32 typedDataHash, address patient) pure returns (bytes32) {
    return hashOfOne(Hashes.efficientKeccak256(typedDataHash, bytes32(uint256(uint160(patient)))));
}
