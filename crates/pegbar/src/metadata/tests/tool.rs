//! One test per tool: every format that it writes, every field.

use super::*;

#[test]
fn a1111_and_forge_are_read_from_every_format_and_encoding() {
    let full = json!({
        "prompt": "a small orange cat, (fluffy tail:1.2), <lora:pixel:0.8>\non a wall at night",
        "negativePrompt": "blurry, extra legs,\nwatermark",
        "steps": 20, "sampler": "DPM++ 2M", "cfgScale": 7.5, "seed": 3_141_592_653_u32,
        "width": 512, "height": 768, "modelHash": "6ce0161689", "model": "v1-5-pruned-emaonly",
        "software": "AUTOMATIC1111 v1.10.1",
        "other": {
            "Schedule type": "Karras",
            "Lora hashes": "pixel: aabbccddeeff, other: 001122334455",
        },
    });
    assert_claim("a1111.png", "a1111", "pngText", &full);
    assert_claim("a1111-ztxt.png", "a1111", "pngText", &full);
    assert_claim("a1111.webp", "a1111", "exif", &full);
    assert_claim("a1111.gif", "a1111", "comment", &full);
    let raw = claim_of("a1111.png").raw;
    assert!(raw.starts_with("a small orange cat") && raw.ends_with("Version: v1.10.1"));
    assert_eq!(claim_of("a1111.webp").raw, raw);

    let unicode = json!({
        "prompt": "eine kleine Katze 🐈, 橙色の猫", "negativePrompt": "unscharf", "steps": 12,
        "sampler": "Euler a", "cfgScale": 7, "seed": 42, "width": 64, "height": 64,
        "model": "größe", "software": "AUTOMATIC1111 v1.9.4",
    });
    assert_claim("a1111-itxt.png", "a1111", "pngText", &unicode);
    assert_claim("a1111-itxt-packed.png", "a1111", "pngText", &unicode);
    assert_claim("a1111.jpg", "a1111", "exif", &unicode);
    assert_claim("a1111-hidden.png", "a1111", "alpha", &unicode);

    let latin = json!({
        "prompt": "un chat tigré, façade d'été", "steps": 28, "sampler": "Euler", "cfgScale": 5,
        "seed": 7, "width": 64, "height": 64, "model": "modèle",
    });
    assert_claim("a1111-latin1.png", "a1111", "pngText", &latin);

    let forge = json!({
        "prompt": "knight standing guard", "steps": 8, "sampler": "Euler", "cfgScale": 1,
        "seed": "18446744073709551615", "width": 896, "height": 1152, "modelHash": "275ef623d3",
        "model": "flux1-dev-fp8", "software": "Forge f2.0.1v1.10.1-previous-669-gdfdcbab6",
        "other": {
            "Schedule type": "Simple", "Distilled CFG Scale": 3.5,
            "Template": "knight __pose__", "Negative Template": "none",
        },
    });
    assert_claim("forge.png", "a1111", "pngText", &forge);
}

#[test]
fn comfyui_is_read_from_its_graph_through_links_and_parts() {
    let fox = json!({
        "prompt": "walk cycle of a fox, side view, 狐", "negativePrompt": "text, watermark",
        "seed": 156_680_208_700_286_u64, "steps": 20, "cfgScale": 8.0, "sampler": "euler",
        "model": "dreamshaper_8.safetensors", "width": 512, "height": 640,
        "problem": loose::REPAIRED,
        "other": { "scheduler": "normal", "denoise": 1.0, "loras": ["sprites.safetensors"] },
    });
    assert_claim("comfyui.png", "comfyui", "pngText", &fox);
    assert_claim("comfyui.webp", "comfyui", "exif", &fox);
    assert_claim("comfyui-animated.png", "comfyui", "pngText", &fox);
    for name in ["comfyui.png", "comfyui.webp", "comfyui-animated.png"] {
        let raw: Value = serde_json::from_str(&claim_of(name).raw).unwrap();
        assert!(
            raw["prompt"].as_str().unwrap().contains("[NaN]"),
            "as found: {name}"
        );
        let workflow: Value = serde_json::from_str(raw["workflow"].as_str().unwrap()).unwrap();
        assert_eq!(workflow["nodes"][0]["pos"], json!([863, 186]));
    }
    let raccoon = json!({
        "prompt": "a raccoon juggling", "seed": 987_654_321, "steps": 4, "sampler": "dpmpp_2m",
        "model": "flux1-schnell.safetensors", "width": 1024, "height": 1024,
        "other": { "scheduler": "simple", "denoise": 1 },
    });
    assert_claim("comfyui-flux.png", "comfyui", "pngText", &raccoon);
}

#[test]
fn invokeai_is_read_in_its_three_forms() {
    let dragon = json!({
        "prompt": "dragon over a village", "negativePrompt": "photo", "seed": 2_087_412_357_u32,
        "steps": 30, "sampler": "euler", "cfgScale": 7.5, "width": 1024, "height": 768,
        "model": "juggernaut-xl", "modelHash": "blake3:bd9ac1", "software": "InvokeAI 4.2.7",
        "other": {
            "generation_mode": "txt2img", "rand_device": "cpu",
            "model": {
                "key": "0a1b", "hash": "blake3:bd9ac1", "name": "juggernaut-xl", "base": "sdxl",
                "type": "main",
            },
        },
    });
    assert_claim("invokeai.png", "invokeai", "pngText", &dragon);
    let raw: Value = serde_json::from_str(&claim_of("invokeai.png").raw).unwrap();
    let texts: Vec<&String> = raw.as_object().unwrap().keys().collect();
    assert_eq!(
        texts,
        ["invokeai_graph", "invokeai_metadata", "invokeai_workflow"]
    );

    let hash = "cc6cb27103417325ff94f52b7a5d2dde45a7515b25c255d8e396c90014281516";
    let tower = json!({
        "prompt": "a tower at dusk", "negativePrompt": "people, cars", "seed": 1_234_567_890,
        "steps": 50, "sampler": "k_lms", "cfgScale": 7.5, "width": 512, "height": 512,
        "model": "stable-diffusion-1.5", "modelHash": hash, "software": "InvokeAI 2.3.5",
        "other": {
            "app_id": "invoke-ai/InvokeAI", "model": "stable diffusion", "model_hash": hash,
            "model_weights": "stable-diffusion-1.5", "threshold": 0, "type": "txt2img",
        },
    });
    assert_claim("invokeai-old.png", "invokeai", "pngText", &tower);
    let command = json!({
        "prompt": "a tower at dusk", "negativePrompt": "people, cars", "seed": 1_234_567_890,
        "steps": 50, "sampler": "k_lms", "cfgScale": 7.5, "width": 512, "height": 512,
    });
    assert_claim("invokeai-dream.png", "invokeai", "pngText", &command);
}

#[test]
fn novelai_is_read_from_texts_exif_and_the_alpha_channel() {
    let sword = json!({
        "prompt": "1girl, silver hair, sword", "negativePrompt": "lowres, bad hands",
        "seed": 2_953_718_301_u32, "steps": 28, "sampler": "k_euler_ancestral", "cfgScale": 5.0,
        "width": 832, "height": 1216, "software": "NovelAI", "model": "NovelAI Diffusion V4.5",
        "modelHash": "4BDE2A90",
        "other": {
            "Title": "NovelAI generated image", "Generation time": "4.2", "cfg_rescale": 0.0,
            "uncond_scale": 0.0, "n_samples": 1, "noise_schedule": "karras",
            "request_type": "PromptGenerateRequest",
            "signed_hash": "QmZ1Y3Rpb25hbCBzaWduYXR1cmU=",
        },
    });
    assert_claim("novelai.png", "novelai", "pngText", &sword);
    assert_claim("novelai.webp", "novelai", "exif", &sword);
    assert_claim("novelai-hidden.png", "novelai", "alpha", &sword);
    assert_claim("novelai-hidden-flat.png", "novelai", "alpha", &sword);
    let both = claims_of("novelai-both.png");
    assert_eq!(both.len(), 2);
    for (claim, place) in both.iter().zip(["pngText", "alpha"]) {
        assert_eq!(claim.tool, "novelai");
        assert_fields("novelai-both.png", claim, place, &sword);
    }
}

#[test]
fn fooocus_is_read_in_both_schemes_and_its_older_form() {
    let lighthouse = json!({
        "prompt": "a lighthouse", "negativePrompt": "ugly", "seed": 3_758_096_384_u32,
        "steps": 30, "sampler": "dpmpp_2m_sde_gpu", "cfgScale": 4.0, "width": 1152,
        "height": 896, "model": "juggernautXL_v8Rundiffusion", "modelHash": "aeb7e9e689",
        "software": "Fooocus v2.5.5",
        "other": {
            "adm_guidance": "(1.5, 0.8, 0.3)", "clip_skip": 2, "full_negative_prompt": ["ugly"],
            "full_prompt": ["cinematic still a lighthouse", "a lighthouse, sharp focus"],
            "loras": [], "metadata_scheme": "fooocus", "performance": "Speed",
            "refiner_model": "None", "refiner_switch": 0.5, "scheduler": "karras",
            "sharpness": 2.0, "styles": "['Fooocus V2', 'Fooocus Sharp']",
            "vae": "Default (model)",
        },
    });
    assert_claim("fooocus.png", "fooocus", "pngText", &lighthouse);
    assert_claim("fooocus.jpg", "fooocus", "exif", &lighthouse);
    assert_claim("fooocus.webp", "fooocus", "exif", &lighthouse);
    let infotext = json!({
        "prompt": "a lighthouse", "negativePrompt": "ugly", "seed": 3_758_096_384_u32,
        "steps": 30, "sampler": "DPM++ 2M SDE", "cfgScale": 4, "width": 1152, "height": 896,
        "model": "juggernautXL_v8Rundiffusion", "modelHash": "aeb7e9e689",
        "software": "Fooocus v2.5.5",
        "other": { "Performance": "Speed", "Sharpness": 2 },
    });
    assert_claim("fooocus-a1111.png", "fooocus", "pngText", &infotext);
    assert_claim("fooocus-a1111.jpg", "fooocus", "exif", &infotext);
    let old = json!({
        "prompt": "a lighthouse", "negativePrompt": "ugly", "seed": 811,
        "sampler": "dpmpp_2m_sde_gpu", "cfgScale": 4.0, "width": 1152, "height": 896,
        "model": "juggernautXL_version6.safetensors", "software": "v2.1.857",
        "other": {
            "fooocus_v2_expansion": "sharp focus", "performance": "Speed",
            "scheduler": "karras", "sharpness": 2.0, "styles": "['Fooocus V2']",
        },
    });
    assert_claim("fooocus-old.png", "fooocus", "pngText", &old);
}

#[test]
fn swarmui_is_read_in_either_byte_order() {
    let hash = "0xd7a9105a900fd52748f20725fe52fe52b507fd36bee4fc107b1550a26e6ee1d7";
    let robot = json!({
        "prompt": "a robot waving, ünïcode", "negativePrompt": "rust", "seed": 1_390_213_945,
        "steps": 20, "sampler": "dpmpp_2m", "cfgScale": 7, "width": 1024, "height": 1024,
        "model": "OfficialStableDiffusion/sd_xl_base_1.0", "modelHash": hash,
        "software": "SwarmUI 0.9.5.0", "createdAt": "2025-02-03",
        "other": {
            "aspectratio": "1:1", "scheduler": "karras",
            "sui_extra_data": {
                "date": "2025-02-03", "prep_time": "2.14 sec", "generation_time": "5.61 sec",
            },
            "sui_models": [
                { "name": "sd_xl_base_1.0.safetensors", "param": "model", "hash": hash },
            ],
        },
    });
    assert_claim("swarmui.png", "swarmui", "pngText", &robot);
    for name in [
        "swarmui-utf16be.jpg",
        "swarmui-utf16le.jpg",
        "swarmui-bom.webp",
    ] {
        assert_claim(name, "swarmui", "exif", &robot);
    }
}

#[test]
fn draw_things_is_read_from_an_alternative_in_xmp() {
    let claims = claims_of("drawthings.png");
    let tools: Vec<&str> = claims.iter().map(|claim| claim.tool.as_str()).collect();
    assert_eq!(tools, ["xmp", "drawthings"]);
    let boat = json!({
        "prompt": "a paper boat <&> \"waves\"", "negativePrompt": "noise",
        "seed": 1_836_047_211, "steps": 24, "sampler": "DPM++ 2M Karras", "cfgScale": 6.5,
        "width": 640, "height": 512, "model": "sd_v1.5_f16.ckpt", "software": "Draw Things",
        "other": {
            "strength": 1, "seed_mode": "Scale Alike", "lora": [],
            "v2": { "width": 640, "height": 512, "guidanceScale": 6.5, "clipSkip": 1 },
        },
    });
    assert_fields("drawthings.png", &claims[1], "xmp", &boat);
    assert!(
        claims[1].raw.starts_with("{\"c\": \"a paper boat <&>"),
        "unescaped"
    );
}

#[test]
fn midjourney_is_read_with_its_options_and_its_job() {
    let claims = claims_of("midjourney.png");
    assert_eq!(claims[0].tool, "midjourney");
    let job = "6f0a1c2e-3b4d-4e5f-8a9b-0c1d2e3f4a5b";
    let cat = json!({
        "prompt": "a cat on a skateboard, risograph", "negativePrompt": "people, text",
        "seed": 77, "model": "6.1", "software": "Midjourney",
        "createdAt": "Mon, 03 Feb 2025 10:11:12 GMT",
        "other": { "ar": "3:2", "stylize": "250", "author": "someone", "jobId": job },
    });
    assert_fields("midjourney.png", &claims[0], "pngText", &cat);
    assert_eq!((claims.len(), claims[1].tool.as_str()), (2, "xmp"));
    assert_eq!(
        claims[1].fields.as_value()["other"]["Iptc4xmpExt:DigImageGUID"],
        job
    );
}

#[test]
fn xmp_and_iptc_are_read_from_every_format() {
    let ship = json!({
        "prompt": "a ship in a storm", "model": "Imagen", "software": "Imagen & friends",
        "createdAt": "2025-02-03T10:11:12Z",
        "other": {
            "Iptc4xmpExt:AIPromptWriterName": "Ada", "Iptc4xmpExt:AISystemVersionUsed": "4.0",
            "Iptc4xmpExt:DigitalSourceType":
                "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
            "Iptc4xmpExt:LocationShown/Iptc4xmpExt:City": "Kiel",
            "photoshop:Credit": "Made with Google AI",
            "dc:subject": ["ship", "sea"], "dc:title": ["Ein Schiff", "A ship"],
        },
    });
    for name in ["xmp.png", "xmp.jpg", "xmp.webp", "xmp.gif"] {
        assert_claim(name, "xmp", "xmp", &ship);
        let raw = claim_of(name).raw;
        let (_, end) = raw.rsplit_once("<?xpacket end=").unwrap();
        assert_eq!(end.trim_end().len(), "'w'?>".len(), "{name}: all of it");
    }
    let extended = claims_of("xmp-extended.jpg");
    assert_eq!(extended.len(), 2);
    assert_eq!(extended[0].fields.get("software"), Some(&"Long".into()));
    let description = &extended[1].fields.as_value()["other"]["dc:description"];
    assert_eq!(
        description.as_str().unwrap().len(),
        5 * 15_000 - 1,
        "all of it but its last space"
    );

    let painter = json!({
        "software": "Painter",
        "other": {
            "headline": "A ship", "keywords": ["ship", "mer agitée"], "byline": "Ada",
            "caption": "A ship in a storm",
        },
    });
    for name in ["iptc.jpg", "iptc-utf8.jpg", "iptc.png"] {
        assert_claim(name, "iptc", "iptc", &painter);
    }
}

#[test]
fn what_no_tool_knows_is_kept_as_it_was_found() {
    let texts = json!({
        "software": "Painter 3", "other": { "Title": "A ship", "Rauheit": "größer" },
    });
    assert_claim("unknown.png", "png-text", "pngText", &texts);
    let raw: Value = serde_json::from_str(&claim_of("unknown.png").raw).unwrap();
    assert_eq!(
        raw,
        json!({ "Title": "A ship", "Software": "Painter 3", "Rauheit": "größer" })
    );
    let exif = json!({
        "software": "Painter 3",
        "other": {
            "Artist": "Ada", "ImageDescription": "Un bateau à voile", "XPComment": "scharf 🐈",
        },
    });
    assert_claim("exif.jpg", "exif", "exif", &exif);
    let by_hand = json!({ "other": { "UserComment": "made by hand" } });
    assert_claim("exif.png", "exif", "exif", &by_hand);
    let comment = "CREATOR: gd-jpeg v1.0 (using IJG JPEG v62), quality = 90";
    assert_claim(
        "comment.jpg",
        "comment",
        "comment",
        &json!({ "other": { "comment": comment } }),
    );
    assert_eq!(claim_of("comment.jpg").raw, comment);
}

#[test]
fn an_export_of_pixellab_claims_what_it_says_of_its_character() {
    let character = r#"{"id":"c-1","prompt":"tabby","size":{"width":80,"height":64},"view":"side",
        "created_at":"2026-04-09T00:00:00Z"}"#;
    let claim = pixellab::claim(&format!("{{\"frames\":{{}},\"character\":{character}}}"));
    assert_eq!(
        (claim.tool.as_str(), claim.raw.as_str()),
        ("pixellab", character)
    );
    let expected = json!({
        "prompt": "tabby", "width": 80, "height": 64, "createdAt": "2026-04-09T00:00:00Z",
        "other": { "id": "c-1", "view": "side" },
    });
    assert_fields("an export", &claim, "metadata.json", &expected);
    let nothing = pixellab::claim("{}");
    assert!(nothing.fields.get("problem").is_some());
}
