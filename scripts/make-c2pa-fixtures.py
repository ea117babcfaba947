#!/usr/bin/env python3
"""Makes the images in crates/pegbar/tests/fixtures/c2pa: small, and signed by an independent
writer of C2PA (PyPI's c2pa-python) with a certificate made here. Salts and signatures differ from
run to run, so the files are made once and committed.

    pip install c2pa-python pillow cryptography
    scripts/make-c2pa-fixtures.py crates/pegbar/tests/fixtures/c2pa
"""

import datetime
import io
import json
import sys
from pathlib import Path

import c2pa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from PIL import Image

FOLDER = Path(sys.argv[1])
SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
# Beyond 2049 a certificate writes its times in another form.
START = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
END = datetime.datetime(2096, 1, 1, tzinfo=datetime.timezone.utc)


def name(common):
    return x509.Name([
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Alley Cat Studios"),
        x509.NameAttribute(NameOID.COMMON_NAME, common),
    ])


def certificate(subject, key, issuer, issuer_key, is_authority):
    usage = dict.fromkeys([
        "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "encipher_only", "decipher_only"], False)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject)).issuer_name(name(issuer))
        .public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(START).not_valid_after(END)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=not is_authority, key_cert_sign=is_authority,
                                     crl_sign=is_authority, **usage), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False))
    if not is_authority:
        usages = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
        builder = builder.add_extension(usages, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def pem(thing):
    return thing.public_bytes(serialization.Encoding.PEM).decode()


def picture(kind, shade):
    image = Image.new("RGB", (16, 16), (shade, 90, 60))
    image.putpixel((3, 4), (255, 255, 255))
    stream = io.BytesIO()
    image.save(stream, kind)
    return stream.getvalue()


root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
root = certificate("Alley Cat Root", root_key, "Alley Cat Root", root_key, True)
leaf = certificate("Alley Cat Signer", key, "Alley Cat Root", root_key, False)
private = key.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
signer = c2pa.Signer.from_info(c2pa.C2paSignerInfo(b"es256", pem(leaf).encode(), private, None))
settings = c2pa.Settings.from_dict({
    "builder": {"thumbnail": {"enabled": False}},
    "verify": {"verify_after_sign": False, "remote_manifest_fetch": False, "ocsp_fetch": False},
})
context = c2pa.Context(settings)


def sign(file, kind, shade, actions, ingredients=(), assertions=(), version=2, **claim):
    definition = {
        "claim_version": version,
        "claim_generator_info": [{"name": "Alley Cat Generator", "version": "1.2"}],
        "format": f"image/{kind.lower()}",
        "assertions": [{"label": "c2pa.actions" + (".v2" if version == 2 else ""),
                        "data": {"actions": actions}}, *assertions],
        **claim,
    }
    builder = c2pa.Builder(json.dumps(definition), context)
    for facts, mime_type, image in ingredients:
        builder.add_ingredient(json.dumps(facts), mime_type, io.BytesIO(image))
    target = io.BytesIO()
    builder.sign(signer, f"image/{kind.lower()}", io.BytesIO(picture(kind, shade)), target)
    (FOLDER / file).write_bytes(target.getvalue())
    print(file, len(target.getvalue()))
    return target.getvalue()


created = {"action": "c2pa.created", "digitalSourceType": SOURCE_TYPES + "trainedAlgorithmicMedia",
           "softwareAgent": {"name": "sprite-1", "version": "7"}, "when": "2026-03-04T05:06:07Z"}
made = sign("made.png", "PNG", 200, [created], title="tabby.png")
sign("made.gif", "GIF", 190, [created])
sign("sent.webp", "WEBP", 180, [dict(created, when="2026-03-04T06:00:00Z")], [
    ({"title": "tabby.png", "relationship": "inputTo"}, "image/png", made),
    ({"title": "palette.png", "relationship": "componentOf"}, "image/png", picture("PNG", 9)),
])
edited = sign("edited.jpg", "JPEG", 170, [{"action": "c2pa.opened", "parameters": {"ingredientIds": ["parent"]}}, {"action": "c2pa.resized"}], [
    ({"title": "tabby.png", "relationship": "parentOf", "label": "parent"}, "image/png", made),
], [{"label": "com.example.sampler", "data": {"seed": 9007199254740993, "steps": 20}}])
# The form of claims before version 2 of the specification.
old = dict(created, softwareAgent="sprite-0 3")
sign("old.png", "PNG", 160, [old], assertions=[
    {"label": "stds.schema-org.CreativeWork", "kind": "Json", "data": {
        "@context": "https://schema.org", "@type": "CreativeWork",
        "author": [{"@type": "Person", "name": "Toni Tabby"}]}},
], version=1, title="old.png")
(FOLDER / "anchor.pem").write_text(pem(root))
