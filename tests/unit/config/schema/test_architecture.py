from mtcli.config.schema.architecture import ModelConfig, StackShape


def test_the_decoder_has_the_encoders_sizes_where_it_has_none_of_its_own():
    config = ModelConfig(d_model=12, encoder_layers=2, decoder_layers=3, num_heads=3, d_ff=20)
    shape = StackShape(num_layers=2, d_model=12, num_heads=3, num_kv_heads=3, head_dim=4, d_ff=20)
    assert config.encoder_shape == shape
    assert config.decoder_shape.num_layers == 3
    assert (config.decoder_shape.num_heads, config.decoder_shape.d_ff) == (3, 20)


def test_every_size_may_be_given():
    config = ModelConfig(
        d_model=12, num_heads=4, decoder_num_heads=2, num_kv_heads=2, head_dim=6, decoder_d_ff=7
    )
    encoder, decoder = config.encoder_shape, config.decoder_shape
    assert (encoder.num_heads, encoder.q_width, encoder.kv_width) == (4, 24, 12)
    assert (decoder.num_heads, decoder.q_width, decoder.kv_width) == (2, 12, 12)
    assert (encoder.d_ff, decoder.d_ff) == (2048, 7)
