#!/usr/bin/env python3
"""Makes the images with metadata that the tests read.

The texts are as the generators write them; who writes them into files is Pillow, piexif and
exiftool, never Pegbar. Needs: pip install pillow piexif; apt install libimage-exiftool-perl.
Run it in an empty environment and commit what changes:

    scripts/make-metadata-fixtures.py crates/pegbar/tests/fixtures/metadata
"""

import gzip
import io
import json
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import piexif
import piexif.helper
from PIL import Image, PngImagePlugin

FOLDER = Path(sys.argv[1])

A1111 = """a small orange cat, (fluffy tail:1.2), <lora:pixel:0.8>
on a wall at night
Negative prompt: blurry, extra legs,
watermark
Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7.5, Seed: 3141592653, \
Size: 512x768, Model hash: 6ce0161689, Model: v1-5-pruned-emaonly, \
Lora hashes: "pixel: aabbccddeeff, other: 001122334455", Version: v1.10.1"""

A1111_UNICODE = """eine kleine Katze 🐈, 橙色の猫
Negative prompt: unscharf
Steps: 12, Sampler: Euler a, CFG scale: 7, Seed: 42, Size: 64x64, Model: größe, Version: v1.9.4"""

A1111_LATIN = """un chat tigré, façade d'été
Steps: 28, Sampler: Euler, CFG scale: 5, Seed: 7, Size: 64x64, Model: modèle"""

FORGE = """knight standing guard
Steps: 8, Sampler: Euler, Schedule type: Simple, CFG scale: 1, Distilled CFG Scale: 3.5, \
Seed: 18446744073709551615, Size: 896x1152, Model hash: 275ef623d3, Model: flux1-dev-fp8, \
Version: f2.0.1v1.10.1-previous-669-gdfdcbab6
Template: knight __pose__
Negative Template: none"""

COMFY = {
    "3": {"class_type": "KSampler", "inputs": {
        "seed": 156680208700286, "steps": 20, "cfg": 8.0, "sampler_name": "euler",
        "scheduler": "normal", "denoise": 1.0, "model": ["10", 0], "positive": ["6", 0],
        "negative": ["7", 0], "latent_image": ["5", 0]}},
    "4": {"class_type": "CheckpointLoaderSimple",
          "inputs": {"ckpt_name": "dreamshaper_8.safetensors"}},
    "5": {"class_type": "EmptyLatentImage",
          "inputs": {"width": 512, "height": 640, "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode",
          "inputs": {"text": "walk cycle of a fox, side view, \u72d0", "clip": ["10", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "text, watermark", "clip": ["10", 1]}},
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
    "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "fox", "images": ["8", 0]},
          "is_changed": [float("nan")]},
    "10": {"class_type": "LoraLoader", "inputs": {
        "lora_name": "sprites.safetensors", "strength_model": 0.7, "strength_clip": 1.0,
        "model": ["4", 0], "clip": ["4", 1]}},
}
WORKFLOW = {"last_node_id": 10, "nodes": [{"id": 3, "type": "KSampler", "pos": [863, 186]}],
            "links": [], "version": 0.4}

# Flux, whose sampler is put together of nodes; the seed comes through a link.
COMFY_FLUX = {
    "13": {"class_type": "SamplerCustomAdvanced", "inputs": {
        "noise": ["25", 0], "guider": ["22", 0], "sampler": ["16", 0], "sigmas": ["17", 0],
        "latent_image": ["27", 0]}},
    "16": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "dpmpp_2m"}},
    "17": {"class_type": "BasicScheduler", "inputs": {
        "scheduler": "simple", "steps": 4, "denoise": 1, "model": ["12", 0]}},
    "12": {"class_type": "UNETLoader",
           "inputs": {"unet_name": "flux1-schnell.safetensors", "weight_dtype": "default"}},
    "22": {"class_type": "BasicGuider", "inputs": {"model": ["12", 0], "conditioning": ["26", 0]}},
    "25": {"class_type": "RandomNoise", "inputs": {"noise_seed": ["40", 0]}},
    "26": {"class_type": "FluxGuidance", "inputs": {"guidance": 3.5, "conditioning": ["6", 0]}},
    "27": {"class_type": "EmptySD3LatentImage",
           "inputs": {"width": 1024, "height": 1024, "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": ["41", 0], "clip": ["11", 0]}},
    "11": {"class_type": "DualCLIPLoader", "inputs": {
        "clip_name1": "t5xxl_fp16.safetensors", "clip_name2": "clip_l.safetensors"}},
    "40": {"class_type": "PrimitiveInt", "inputs": {"value": 987654321}},
    "41": {"class_type": "PrimitiveString", "inputs": {"value": "a raccoon juggling"}},
    "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0]}},
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["13", 0], "vae": ["30", 0]}},
}

# Two nodes that are made from each other, and a sampler behind them.
COMFY_CYCLE = {
    "1": {"class_type": "KSampler", "inputs": {
        "seed": 5, "steps": 2, "cfg": 1, "sampler_name": "lcm", "scheduler": "sgm_uniform",
        "positive": ["2", 0], "negative": ["3", 0], "model": ["2", 0], "latent_image": ["1", 0]}},
    "2": {"class_type": "ConditioningCombine",
          "inputs": {"conditioning_1": ["3", 0], "conditioning_2": ["4", 0]}},
    "3": {"class_type": "ConditioningCombine",
          "inputs": {"conditioning_1": ["2", 0], "conditioning_2": ["5", 0]}},
    "4": {"class_type": "CLIPTextEncode", "inputs": {"text": "one", "clip": ["2", 0]}},
    "5": {"class_type": "CLIPTextEncode", "inputs": {"text": "two", "clip": ["3", 0]}},
    "6": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}},
}

INVOKE = {
    "app_version": "4.2.7", "generation_mode": "txt2img",
    "positive_prompt": "dragon over a village", "negative_prompt": "photo",
    "width": 1024, "height": 768, "seed": 2087412357, "rand_device": "cpu", "cfg_scale": 7.5,
    "steps": 30, "scheduler": "euler",
    "model": {"key": "0a1b", "hash": "blake3:bd9ac1", "name": "juggernaut-xl", "base": "sdxl",
              "type": "main"},
}
INVOKE_OLD = {
    "model": "stable diffusion", "model_weights": "stable-diffusion-1.5",
    "model_hash": "cc6cb27103417325ff94f52b7a5d2dde45a7515b25c255d8e396c90014281516",
    "app_id": "invoke-ai/InvokeAI", "app_version": "2.3.5",
    "image": {"prompt": [{"prompt": "a tower [people, cars] at dusk", "weight": 1.0}],
              "steps": 50, "cfg_scale": 7.5, "threshold": 0, "seed": 1234567890, "type": "txt2img",
              "width": 512, "height": 512, "sampler": "k_lms"},
}
DREAM = '"a tower [people, cars] at dusk" -s 50 -S 1234567890 -W 512 -H 512 -C 7.5 -A k_lms'

NOVEL_COMMENT = {
    "prompt": "1girl, silver hair, sword", "steps": 28, "height": 1216, "width": 832,
    "scale": 5.0, "uncond_scale": 0.0, "cfg_rescale": 0.0, "seed": 2953718301, "n_samples": 1,
    "noise_schedule": "karras", "sampler": "k_euler_ancestral", "uc": "lowres, bad hands",
    "request_type": "PromptGenerateRequest",
    "signed_hash": "QmZ1Y3Rpb25hbCBzaWduYXR1cmU=",
}
NOVEL = {
    "Title": "NovelAI generated image", "Description": "1girl, silver hair, sword",
    "Software": "NovelAI", "Source": "NovelAI Diffusion V4.5 4BDE2A90",
    "Generation time": "4.2", "Comment": json.dumps(NOVEL_COMMENT),
}

FOOOCUS = {
    "adm_guidance": "(1.5, 0.8, 0.3)", "base_model": "juggernautXL_v8Rundiffusion",
    "base_model_hash": "aeb7e9e689", "clip_skip": 2, "full_negative_prompt": ["ugly"],
    "full_prompt": ["cinematic still a lighthouse", "a lighthouse, sharp focus"],
    "guidance_scale": 4.0, "loras": [], "metadata_scheme": "fooocus",
    "negative_prompt": "ugly", "performance": "Speed", "prompt": "a lighthouse",
    "refiner_model": "None", "refiner_switch": 0.5, "resolution": "(1152, 896)",
    "sampler": "dpmpp_2m_sde_gpu", "scheduler": "karras", "seed": "3758096384", "sharpness": 2.0,
    "steps": 30, "styles": "['Fooocus V2', 'Fooocus Sharp']", "vae": "Default (model)",
    "version": "Fooocus v2.5.5",
}
FOOOCUS_A1111 = """a lighthouse
Negative prompt: ugly
Steps: 30, Sampler: DPM++ 2M SDE, Seed: 3758096384, Size: 1152x896, CFG scale: 4, \
Sharpness: 2, Base model hash: aeb7e9e689, Model: juggernautXL_v8Rundiffusion, \
Performance: Speed, Version: Fooocus v2.5.5"""
FOOOCUS_OLD = {
    "Prompt": "a lighthouse", "Negative Prompt": "ugly", "Fooocus V2 Expansion": "sharp focus",
    "Styles": "['Fooocus V2']", "Performance": "Speed", "Resolution": "(1152, 896)",
    "Sharpness": 2.0, "Guidance Scale": 4.0, "Base Model": "juggernautXL_version6.safetensors",
    "Sampler": "dpmpp_2m_sde_gpu", "Scheduler": "karras", "Seed": 811, "Version": "v2.1.857",
}

SWARM = {
    "sui_image_params": {
        "prompt": "a robot waving, ünïcode", "negativeprompt": "rust",
        "model": "OfficialStableDiffusion/sd_xl_base_1.0", "seed": 1390213945, "steps": 20,
        "cfgscale": 7, "aspectratio": "1:1", "width": 1024, "height": 1024,
        "sampler": "dpmpp_2m", "scheduler": "karras", "swarm_version": "0.9.5.0"},
    "sui_extra_data": {"date": "2025-02-03", "prep_time": "2.14 sec",
                       "generation_time": "5.61 sec"},
    "sui_models": [{"name": "sd_xl_base_1.0.safetensors", "param": "model",
                    "hash": "0xd7a9105a900fd52748f20725fe52fe52b507fd36bee4fc107b1550a26e6ee1d7"}],
}

DRAW = {
    "c": "a paper boat <&> \"waves\"", "uc": "noise", "seed": 1836047211, "steps": 24,
    "sampler": "DPM++ 2M Karras", "scale": 6.5, "size": "640x512", "strength": 1,
    "model": "sd_v1.5_f16.ckpt", "seed_mode": "Scale Alike", "lora": [],
    "v2": {"width": 640, "height": 512, "guidanceScale": 6.5, "clipSkip": 1},
}

MIDJOURNEY = ("a cat on a skateboard, risograph --no people, text --ar 3:2 --v 6.1 --seed 77 "
              "--stylize 250 Job ID: 6f0a1c2e-3b4d-4e5f-8a9b-0c1d2e3f4a5b")


def picture(mode="RGB", size=(24, 16)):
    image = Image.new(mode, size)
    width, height = size
    image.putdata([(x * 9 % 256, y * 13 % 256, 90, 255)[: len(mode)]
                   for y in range(height) for x in range(width)])
    return image


def png(name, texts, image=None, compressed=(), international=(), exif=None):
    """Writes texts as Pillow does: tEXt where Latin-1 holds them, else iTXt."""
    chunks = PngImagePlugin.PngInfo()
    for keyword, text in texts.items():
        text = text if isinstance(text, str) else json.dumps(text)
        if keyword in international:
            chunks.add_itxt(keyword, text, zip=keyword in compressed)
        else:
            chunks.add_text(keyword, text, zip=keyword in compressed)
    options = {"exif": exif} if exif else {}
    (image or picture()).save(FOLDER / name, pnginfo=chunks, **options)


def user_comment(text, encoding="unicode"):
    comment = piexif.helper.UserComment.dump(text, encoding=encoding)
    return piexif.dump({"Exif": {piexif.ExifIFD.UserComment: comment}})


def jpeg(name, exif=None, **options):
    options = options | ({"exif": exif} if exif else {})
    picture().save(FOLDER / name, quality=60, **options)


def webp(name, exif=None, **options):
    options = options | ({"exif": exif} if exif else {})
    picture().save(FOLDER / name, lossless=True, **options)


def exiftool(name, *arguments):
    subprocess.run(["exiftool", "-q", "-overwrite_original", *arguments, str(FOLDER / name)],
                   check=True)


def a1111():
    png("a1111.png", {"parameters": A1111})
    png("a1111-latin1.png", {"parameters": A1111_LATIN})
    png("a1111-itxt.png", {"parameters": A1111_UNICODE})
    png("a1111-ztxt.png", {"parameters": A1111}, compressed=["parameters"])
    png("a1111-itxt-packed.png", {"parameters": A1111_UNICODE},
        international=["parameters"], compressed=["parameters"])
    png("forge.png", {"parameters": FORGE})
    jpeg("a1111.jpg", user_comment(A1111_UNICODE))
    webp("a1111.webp", user_comment(A1111))
    picture().save(FOLDER / "a1111.gif", comment=A1111.encode())


def comfyui():
    png("comfyui.png", {"prompt": COMFY, "workflow": WORKFLOW})
    png("comfyui-flux.png", {"prompt": COMFY_FLUX, "workflow": WORKFLOW})
    png("comfyui-cycle.png", {"prompt": COMFY_CYCLE})
    exif = picture().getexif()
    exif[0x0110] = "prompt:" + json.dumps(COMFY)
    exif[0x010F] = "workflow:" + json.dumps(WORKFLOW)
    webp("comfyui.webp", exif)
    # An animated PNG, as its own node writes it: behind the pixels, in chunks of its own.
    chunks = PngImagePlugin.PngInfo()
    chunks.add(b"comf", b"prompt\0" + json.dumps(COMFY).encode("latin-1"), after_idat=True)
    chunks.add(b"comf", b"workflow\0" + json.dumps(WORKFLOW).encode("latin-1"), after_idat=True)
    frames = [picture(), picture().transpose(Image.Transpose.FLIP_LEFT_RIGHT)]
    frames[0].save(FOLDER / "comfyui-animated.png", pnginfo=chunks, save_all=True,
                   append_images=frames[1:], duration=80)


def invokeai():
    graph = {"id": "g", "nodes": {"noise": {"type": "noise", "seed": 2087412357}}}
    png("invokeai.png", {"invokeai_metadata": INVOKE, "invokeai_graph": graph,
                         "invokeai_workflow": {"name": "", "nodes": []}})
    png("invokeai-old.png", {"sd-metadata": INVOKE_OLD, "Dream": DREAM})
    png("invokeai-dream.png", {"Dream": DREAM})


def hide(text, size, name=b"stealth_pngcomp"):
    """Writes bits into the alpha channel, column by column."""
    image = picture("RGBA", size)
    packed = gzip.compress(text.encode(), mtime=0) if name.endswith(b"comp") else text.encode()
    content = name + struct.pack(">I", len(packed) * 8) + packed
    bits = [byte >> (7 - n) & 1 for byte in content for n in range(8)]
    pixels = image.load()
    width, height = size
    assert len(bits) <= width * height
    for place, bit in enumerate(bits):
        x, y = divmod(place, height)
        pixels[x, y] = (*pixels[x, y][:3], 254 | bit)
    return image


def novelai():
    png("novelai.png", NOVEL)
    hide(json.dumps(NOVEL), (96, 128)).save(FOLDER / "novelai-hidden.png")
    # Lower than the name of the form is long, so that this goes over several columns.
    hide(json.dumps(NOVEL), (320, 30)).save(FOLDER / "novelai-hidden-flat.png")
    png("novelai-both.png", NOVEL, hide(json.dumps(NOVEL), (96, 128)))
    hide(A1111_UNICODE, (64, 128), b"stealth_pnginfo").save(FOLDER / "a1111-hidden.png")
    comment = piexif.helper.UserComment.dump(json.dumps(NOVEL), encoding="ascii")
    webp("novelai.webp", piexif.dump({
        "0th": {piexif.ImageIFD.ImageDescription: NOVEL["Description"].encode(),
                piexif.ImageIFD.Software: b"NovelAI"},
        "Exif": {piexif.ExifIFD.UserComment: comment}}))


def fooocus():
    png("fooocus.png", {"parameters": FOOOCUS, "fooocus_scheme": "fooocus"})
    png("fooocus-a1111.png", {"parameters": FOOOCUS_A1111, "fooocus_scheme": "a1111"})
    png("fooocus-old.png", {"Comment": FOOOCUS_OLD})

    def exif(text, scheme):
        exif = picture().getexif()
        exif[0x9286] = text
        exif[0x0131] = "Fooocus v2.5.5"
        exif[0x927C] = scheme
        return exif
    jpeg("fooocus.jpg", exif(json.dumps(FOOOCUS), "fooocus"))
    webp("fooocus.webp", exif(json.dumps(FOOOCUS), "fooocus"))
    jpeg("fooocus-a1111.jpg", exif(FOOOCUS_A1111, "a1111"))


def swarmui():
    text = json.dumps(SWARM, indent=2, ensure_ascii=False)
    png("swarmui.png", {"parameters": text})
    jpeg("swarmui-utf16be.jpg", user_comment(text))
    little = b"UNICODE\0" + text.encode("utf-16-le")
    jpeg("swarmui-utf16le.jpg", piexif.dump({"Exif": {piexif.ExifIFD.UserComment: little}}))
    marked = b"UNICODE\0" + text.encode("utf-16")
    webp("swarmui-bom.webp", piexif.dump({"Exif": {piexif.ExifIFD.UserComment: marked}}))


def drawthings():
    png("drawthings.png", {})
    exiftool("drawthings.png", f"-XMP-exif:UserComment={json.dumps(DRAW)}",
             "-XMP-xmp:CreatorTool=Draw Things",
             f"-XMP-dc:Description={DRAW['c']}\n-{DRAW['uc']}\nSteps: 24")


def midjourney():
    png("midjourney.png", {"Description": MIDJOURNEY, "Author": "someone",
                           "Creation Time": "Mon, 03 Feb 2025 10:11:12 GMT"})
    exiftool("midjourney.png",
             "-XMP-iptcExt:DigitalImageGUID=6f0a1c2e-3b4d-4e5f-8a9b-0c1d2e3f4a5b",
             "-XMP-iptcExt:DigitalSourceType=http://cv.iptc.org/newscodes/digitalsourcetype/"
             "trainedAlgorithmicMedia")


XMP = [
    "-XMP-iptcExt:DigitalSourceType=http://cv.iptc.org/newscodes/digitalsourcetype/"
    "trainedAlgorithmicMedia",
    "-XMP-photoshop:Credit=Made with Google AI",
    "-XMP-xmp:CreatorTool=Imagen & friends",
    "-XMP-xmp:CreateDate=2025:02:03 10:11:12Z",
    "-XMP-dc:Title=Ein Schiff",
    "-XMP-dc:Title-en=A ship",
    "-XMP-dc:Subject=ship", "-XMP-dc:Subject=sea",
    "-XMP-iptcExt:LocationShownCity=Kiel",
]
IPTC_AI = {
    "AIPromptInformation": "a ship in a storm", "AIPromptWriterName": "Ada",
    "AISystemUsed": "Imagen", "AISystemVersionUsed": "4.0",
}


def properties():
    # The AI properties are newer than many exiftools: defined here as IPTC has them.
    config = FOLDER / "exiftool.config"
    names = ", ".join(f"{name} => {{ }}" for name in IPTC_AI)
    config.write_text(
        "%Image::ExifTool::UserDefined = ('Image::ExifTool::XMP::iptcExt' => "
        f"{{ {names} }});\n1;\n")
    ai = [f"-XMP-iptcExt:{name}={value}" for name, value in IPTC_AI.items()]
    for name, write in [("xmp.png", lambda name: png(name, {})), ("xmp.jpg", jpeg),
                        ("xmp.webp", webp),
                        ("xmp.gif", lambda name: picture().save(FOLDER / name))]:
        write(name)
        subprocess.run(["exiftool", "-config", str(config), "-q", "-overwrite_original",
                        *XMP, *ai, str(FOLDER / name)], check=True)
    config.unlink()
    # More than one segment holds: the rest goes into an extension.
    jpeg("xmp-extended.jpg")
    long = "long " * 15000
    exiftool("xmp-extended.jpg", "-XMP-xmp:CreatorTool=Long", f"-XMP-dc:Description={long}")
    iptc = ["-IPTC:Headline=A ship", "-IPTC:Keywords=ship", "-IPTC:Keywords=mer agitée",
            "-IPTC:By-line=Ada", "-IPTC:OriginatingProgram=Painter",
            "-IPTC:Caption-Abstract=A ship in a storm"]
    jpeg("iptc.jpg")
    exiftool("iptc.jpg", *iptc)
    jpeg("iptc-utf8.jpg")
    exiftool("iptc-utf8.jpg", "-IPTC:CodedCharacterSet=UTF8", *iptc)
    # A profile in hexadecimal digits.
    png("iptc.png", {})
    exiftool("iptc.png", *iptc)
    jpeg("exif.jpg", piexif.dump({"0th": {
        piexif.ImageIFD.ImageDescription: "Un bateau à voile".encode(),
        piexif.ImageIFD.Software: b"Painter 3", piexif.ImageIFD.Artist: b"Ada",
        piexif.ImageIFD.Orientation: 1,
        piexif.ImageIFD.XPComment: "scharf 🐈".encode("utf-16-le")}}))
    jpeg("comment.jpg", comment=b"CREATOR: gd-jpeg v1.0 (using IJG JPEG v62), quality = 90")
    png("unknown.png", {"Title": "A ship", "Software": "Painter 3", "Rauheit": "größer"})
    png("exif.png", {}, exif=user_comment("made by hand", "ascii"))


def hostile():
    """What strangers may write; each says what it is."""
    bomb = b"parameters\0\0" + zlib.compress(b" " * (8 << 20), 9)
    chunks = PngImagePlugin.PngInfo()
    chunks.add(b"zTXt", bomb)
    picture().save(FOLDER / "bomb-ztxt.png", pnginfo=chunks)
    chunks = PngImagePlugin.PngInfo()
    chunks.add(b"iTXt", b"parameters\0\1\0\0\0" + zlib.compress(b" " * (8 << 20), 9))
    picture().save(FOLDER / "bomb-itxt.png", pnginfo=chunks)
    packed = gzip.compress(b" " * (8 << 20), 9, mtime=0)
    image = picture("RGBA", (256, 300))
    content = b"stealth_pngcomp" + struct.pack(">I", len(packed) * 8) + packed
    bits = [byte >> (7 - n) & 1 for byte in content for n in range(8)]
    pixels = image.load()
    for place, bit in enumerate(bits):
        x, y = divmod(place, 300)
        pixels[x, y] = (*pixels[x, y][:3], 254 | bit)
    image.save(FOLDER / "bomb-hidden.png")
    png("deep.png", {"prompt": '{"1":' * 3000 + "1" + "}" * 3000})
    png("odd-json.png", {"invokeai_metadata":
        '{"positive_prompt":"half \\ud83d","seed":1,"seed":9007199254740993,"steps":NaN}'})
    png("nul.png", {"invokeai_metadata": '{"positive_prompt":"a\\u0000b","seed":3}'})
    png("many.png", {f"k{n}": "v" for n in range(400)})


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for write in [a1111, comfyui, invokeai, novelai, fooocus, swarmui, drawthings, midjourney,
                  properties, hostile]:
        write()


main()
