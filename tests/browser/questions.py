"""What people type, the section that answers them, and who asked it where.

Each phrase is in the words of a question that was asked in public; its
address is behind it. `ASKED` may be tuned on, `HELD_OUT` never: it tells how
the box does with people it has not met. A question to which a section is
still to come names it already; it counts from the day on which the section
is there.
"""

ACTIVATIONS = "chapters/activations.html#"
CHECKS = "chapters/first_checks.html#"
DEAD = "chapters/dead_units.html#"
GRADIENTS = "chapters/unstable_gradients.html#"
SATURATION = "chapters/saturation.html#"
START = "chapters/initialization.html#"
LOSSES = "chapters/losses.html#"
NAN = "chapters/not_a_number.html#"
SAME = "chapters/same_answer.html#"
EVALUATION = "chapters/evaluation.html#"
SEQUENCES = "chapters/sequences.html#"
ATLAS = "atlas.html#"
CHOOSING = "choosing.html#"
DIAGNOSIS = "diagnosis.html#"
DRAWS = "initializers.html#"

KERAS = "https://github.com/keras-team/keras/issues/"
TENSORFLOW = "https://github.com/tensorflow/tensorflow/issues/"
PYTORCH = "https://github.com/pytorch/pytorch/issues/"
OVERFLOW = "https://stackoverflow.com/questions/"
SCIENCE = "https://datascience.stackexchange.com/questions/"
AI = "https://ai.stackexchange.com/questions/"
STATS = "https://stats.stackexchange.com/questions/"
COURSE = "https://community.deeplearning.ai/t/"

# phrase, sections of which each answers, address
Question = tuple[str, tuple[str, ...], str]
FLAT = (f"{CHECKS}flat",)
ASKED: list[Question] = [
    # The loss does not move
    ("loss does not change", FLAT, f"{COURSE}loss-values-do-not-change/324182"),
    ("loss not changing when training", FLAT, f"{KERAS}2711"),
    ("model loss not improving", FLAT, f"{KERAS}1478"),
    ("loss not decreasing", FLAT, f"{SCIENCE}25704"),
    ("loss stuck at the very same value", FLAT, f"{TENSORFLOW}48308"),
    ("unchanged loss and accuracy during training", FLAT, f"{KERAS}3613"),
    ("accuracy like random guessing", FLAT, f"{SCIENCE}38604"),
    (
        "cross entropy loss stuck at 2.30",
        FLAT,
        "https://discuss.pytorch.org/t/cross-entropy-loss-is-not-decreasing/43814",
    ),
    (
        "weights don't get updated",
        (f"{CHECKS}first-layers", f"{CHECKS}flat"),
        f"{KERAS}255",
    ),
    (
        "why doesn't my network overfit one batch",
        (f"{CHECKS}one-batch",),
        "https://stats.stackexchange.com/questions/352036",
    ),
    # The loss is too high, or no number
    ("loss too high", (f"{CHECKS}first-loss",), f"{SCIENCE}25704"),
    (
        "initial loss larger than expected",
        (f"{CHECKS}first-loss",),
        "https://cs231n.github.io/neural-networks-3/",
    ),
    (
        "normalize the input",
        (f"{CHECKS}first-loss", f"{DIAGNOSIS}pixels"),
        f"{OVERFLOW}4674623",
    ),
    (
        "from_logits softmax",
        (f"{CHECKS}logits", f"{DIAGNOSIS}logits"),
        f"{KERAS}11801",
    ),
    (
        "loss is nan",
        (f"{CHECKS}nan", f"{NAN}first-batch", f"{NAN}probe"),
        "https://github.com/geifmany/cifar-vgg/issues/1",
    ),
    ("sgd loss will be NaN", (f"{CHECKS}nan",), f"{KERAS}18919"),
    ("siamese network loss nan", (f"{NAN}root",), f"{KERAS}9097"),
    (
        "custom loss always returns nan",
        (f"{NAN}late", f"{NAN}zero", f"{NAN}first-batch", f"{NAN}probe"),
        f"{KERAS}5733",
    ),
    (
        "loss nan after several epochs",
        (f"{NAN}late",),
        "https://github.com/eternagame/EternaBrain/issues/21",
    ),
    (
        "attention mask fp16 nan",
        (f"{NAN}mask",),
        "https://github.com/openai/gpt-2/pull/122",
    ),
    (
        "fully masked rows softmax nan",
        (f"{NAN}mask",),
        "https://github.com/pytorch/pytorch/pull/131060",
    ),
    (
        "check_numerics jit_compile",
        (f"{NAN}check-numerics",),
        f"{TENSORFLOW}117319",
    ),
    (
        "learning rate too high nan",
        (f"{CHECKS}nan", f"{CHECKS}learning-rate"),
        f"{SCIENCE}15962",
    ),
    (
        "what learning rate",
        (f"{CHECKS}learning-rate", f"{ATLAS}rates"),
        f"{OVERFLOW}59737875",
    ),
    (
        "gradient inf",
        (f"{GRADIENTS}first-infinity", f"{CHECKS}nan"),
        "https://github.com/vlfeat/matconvnet/issues/980",
    ),
    # Depth
    (
        "vanishing gradient",
        (f"{GRADIENTS}what-vanishes",),
        f"{OVERFLOW}20009078",
    ),
    (
        "exploding gradient",
        (f"{GRADIENTS}what-vanishes", f"{GRADIENTS}first-infinity"),
        "https://github.com/davidrosenberg/mlcourse/issues/79",
    ),
    (
        "how to check vanishing gradients",
        (
            f"{GRADIENTS}what-vanishes",
            f"{GRADIENTS}where-is-it-lost",
            f"{DIAGNOSIS}patients",
            f"{DIAGNOSIS}file",
        ),
        "https://machinelearningmastery.com/visualizing-the-vanishing-gradient-problem/",
    ),
    (
        "gradient norm per layer",
        (
            f"{GRADIENTS}where-is-it-lost",
            f"{DIAGNOSIS}columns",
            f"{GRADIENTS}why-do-kernel-gradients-look-healthy",
        ),
        "https://codemia.io/knowledge-hub/path/how_to_monitor_gradient_vanish_and_explosion_in_keras_with_tensorboard",
    ),
    (
        "four hidden layers sigmoid not learning",
        (
            f"{DIAGNOSIS}sigmoids",
            f"{ATLAS}sigmoid",
            f"{GRADIENTS}what-vanishes",
        ),
        f"{AI}16557",
    ),
    (
        "more hidden layers",
        (f"{CHECKS}depth", f"{ATLAS}depth", f"{CHOOSING}depth"),
        f"{SCIENCE}319",
    ),
    (
        "deeper network does not train",
        (f"{CHECKS}depth", f"{ATLAS}depth", f"{CHOOSING}depth"),
        f"{SCIENCE}319",
    ),
    (
        "he relu 100 layers",
        (f"{ATLAS}relu", f"{START}signal", f"{ATLAS}depth", f"{CHOOSING}depth"),
        "https://github.com/twtygqyy/pytorch-SRDenseNet/issues/2",
    ),
    # Initializers
    (
        "default kernel initializer",
        (f"{DRAWS}the-defaults-of-the-layers", f"{START}default"),
        f"{OVERFLOW}46883606",
    ),
    (
        "default initializer",
        (f"{DRAWS}the-defaults-of-the-layers", f"{START}default"),
        f"{OVERFLOW}46883606",
    ),
    (
        "xavier and he_normal initialization difference",
        (f"{START}which",),
        "https://newbedev.com/xavier-and-he-normal-initialization-difference",
    ),
    ("xavier vs he tanh", (f"{START}which", f"{ATLAS}tanh"), f"{AI}45559"),
    (
        "he_normal vs glorot",
        (f"{START}which", f"{START}default"),
        f"{KERAS}52",
    ),
    (
        "kaiming initialization",
        (f"{START}which", f"{DRAWS}in-pytorch-and-flax"),
        "https://pouannes.github.io/blog/initialization/",
    ),
    (
        "weight initialization variance",
        (f"{START}signal", f"{START}gradient", f"{START}which"),
        "https://mbrenndoerfer.com/writing/weight-initialization-neural-networks-xavier-he",
    ),
    (
        "which initializer for relu",
        (f"{CHOOSING}table", f"{START}which", f"{ATLAS}relu", f"{ATLAS}best"),
        f"{KERAS}52",
    ),
    (
        "selu lecun_normal",
        (f"{ACTIVATIONS}scale", f"{CHOOSING}table", f"{ACTIVATIONS}keras"),
        "https://github.com/cchallu/nbeatsx/issues/1",
    ),
    (
        "selu init",
        (f"{ACTIVATIONS}scale", f"{CHOOSING}table", f"{ACTIVATIONS}keras"),
        "https://github.com/nothinglo/Deep-Photo-Enhancer/issues/68",
    ),
    (
        "truncated normal",
        (f"{START}truncation", f"{DRAWS}the-initializers"),
        f"{KERAS}8048",
    ),
    (
        "truncated normal wrong variance",
        (f"{START}truncation",),
        f"{TENSORFLOW}18706",
    ),
    (
        "VarianceScaling fan_avg",
        (f"{START}fan-avg",),
        "https://github.com/keras-team/keras/pull/6170",
    ),
    (
        "initializer unseeded being called multiple times",
        (f"{START}shared-instance", f"{CHECKS}branches"),
        "https://github.com/amaiya/ktrain/issues/510",
    ),
    (
        "same weights initializer",
        (f"{START}shared-instance", f"{CHECKS}branches"),
        "https://github.com/LeelaChessZero/lczero-training/issues/218",
    ),
    (
        "initializer same kernel",
        (f"{START}shared-instance", f"{CHECKS}branches"),
        "https://github.com/LeelaChessZero/lc0/issues/1883",
    ),
    (
        "conv2d fan_in",
        (f"{DRAWS}where-the-fans-are-not-what-you-think",),
        f"{KERAS}8048",
    ),
    (
        "orthogonal initialization",
        (f"{ATLAS}orthogonal", f"{DRAWS}the-initializers"),
        "https://ai.stackexchange.com/questions/40673",
    ),
    (
        "kaiming_uniform keras",
        (f"{DRAWS}in-pytorch-and-flax", f"{START}which"),
        f"{PYTORCH}57109",
    ),
    (
        "layer sizes vary initialization",
        (f"{START}rectangular",),
        f"{AI}40673",
    ),
    # Activation functions
    (
        "which activation function",
        (f"{ACTIVATIONS}scale", f"{ACTIVATIONS}relu", f"{ATLAS}best"),
        "https://chadrick-kwag.net/posts/relu-gelu-swish-mish-activation-function-comparison",
    ),
    (
        "swish initializer",
        (f"{ACTIVATIONS}scale", f"{CHOOSING}table", f"{ACTIVATIONS}he"),
        "https://jmlb.github.io/ml/2017/12/31/swish_activation_function",
    ),
    (
        "gelu initialization",
        (
            f"{ACTIVATIONS}fixed-point",
            f"{ACTIVATIONS}scale",
            f"{ACTIVATIONS}he",
        ),
        "https://chadrick-kwag.net/posts/relu-gelu-swish-mish-activation-function-comparison",
    ),
    (
        "leaky relu he init",
        (f"{ATLAS}leaky", f"{ACTIVATIONS}scale", f"{CHOOSING}table"),
        "https://github.com/apache/mxnet/pull/2647",
    ),
    (
        "leaky relu default alpha",
        (f"{ACTIVATIONS}keras",),
        "https://github.com/keras-team/keras/pull/470",
    ),
    (
        "saturated neurons",
        (f"{SATURATION}what-does-saturated-mean",),
        f"{SCIENCE}16911",
    ),
    (
        "how does sigmoid saturate with large weights",
        (
            f"{SATURATION}what-drives-units-to-their-ends",
            f"{SATURATION}what-does-saturated-mean",
            f"{CHECKS}pinned",
        ),
        f"{SCIENCE}16911",
    ),
    # Dead units
    (
        "dying relu problem",
        (f"{DEAD}what-is-a-dead-unit",),
        "https://www.queryfor.com/what-is-the-dying-relu-problem-in-neural-networks/",
    ),
    (
        "dead neurons",
        (f"{DEAD}what-is-a-dead-unit", f"{CHECKS}dead"),
        "https://www.queryfor.com/what-is-the-dying-relu-problem-in-neural-networks/",
    ),
    (
        "detect dead relu",
        (f"{DEAD}what-is-a-dead-unit", f"{CHECKS}dead", f"{DEAD}normal"),
        f"{KERAS}7057",
    ),
    (
        "can dead relu recover",
        (f"{DEAD}back", f"{DEAD}revive"),
        "https://github.com/Liam0205/liam0205.github.io/issues/262",
    ),
    (
        "relu output zero for all inputs",
        (f"{CHECKS}dead", f"{DEAD}what-is-a-dead-unit"),
        "https://github.com/AkihikoWatanabe/paper_notes/issues/5920",
    ),
    (
        "positive bias relu",
        (f"{DEAD}bias",),
        "https://github.com/nndl/nndl-discussion/issues/10",
    ),
    # Chapters to come
    (
        "initialize weights with zeros",
        (f"{SAME}collapsed", f"{START}symmetry"),
        f"{COURSE}week-1-programming-assignment-initialization-exercise-1-initialize-parameters-zeros/121049",
    ),
    (
        "predict gives same output for all inputs",
        (SAME,),
        f"{KERAS}6447",
    ),
    (
        "predicts same class for every image",
        (SAME,),
        "https://github.com/raventan95/echo-view-classifier/issues/3",
    ),
    (
        "same prediction for every row of a table",
        (f"{SAME}units", f"{SAME}probe"),
        f"{KERAS}5992",
    ),
    (
        "model already rescales, accuracy does not leave chance",
        (f"{SAME}twice",),
        "https://github.com/mrdbourke/tensorflow-deep-learning/issues/14",
    ),
    ("predicts always 0", (f"{SAME}dead", SAME), f"{KERAS}5173"),
    (
        "evaluate gives a different loss on training data",
        (EVALUATION,),
        f"{KERAS}6977",
    ),
    (
        "BatchNorm behaves different in eval",
        (f"{EVALUATION}batch-norm", "chapters/normalization.html#"),
        f"{PYTORCH}5406",
    ),
    (
        "fit accuracy is different from evaluate",
        (f"{EVALUATION}probe", f"{EVALUATION}batch-norm"),
        f"{KERAS}6014",
    ),
    (
        "output of evaluate and fit are not consistent",
        (f"{EVALUATION}probe", f"{EVALUATION}dropout"),
        f"{KERAS}503",
    ),
    (
        "validation loss is lower than training loss",
        (f"{EVALUATION}dropout",),
        f"{KERAS}472",
    ),
    ("validation accuracy 0.0", (f"{EVALUATION}sorted",), f"{KERAS}4298"),
    (
        "shuffle is applied after validation_split",
        (f"{EVALUATION}sorted",),
        f"{KERAS}6422",
    ),
    (
        "evaluate and confusion matrix give different evaluation",
        (f"{EVALUATION}order",),
        f"{KERAS}11427",
    ),
    (
        "random accuracy after load_weights",
        (f"{EVALUATION}restored",),
        "https://github.com/googlecolab/colabtools/issues/385",
    ),
    (
        "models in lambda layers are not saved",
        (f"{EVALUATION}untracked",),
        f"{KERAS}9740",
    ),
    (
        "trainable flag does not work for batch normalization",
        (
            f"{EVALUATION}frozen",
            f"{EVALUATION}training",
            "chapters/normalization.html#traps",
        ),
        f"{KERAS}4762",
    ),
    (
        "batch normalization",
        ("chapters/normalization.html#",),
        "https://github.com/NVIDIA/DIGITS/issues/629",
    ),
    (
        "0-padded sequences masking loss remains same",
        (f"{SEQUENCES}padding", f"{SEQUENCES}masks"),
        f"{KERAS}1855",
    ),
    (
        "LSTM layer doesn't learn with TextVectorization",
        (f"{SEQUENCES}padding",),
        f"{KERAS}20898",
    ),
    (
        "mask propagation between recurrent and pooling layers",
        (f"{SEQUENCES}masks",),
        f"{TENSORFLOW}49262",
    ),
    (
        "lstm vanishing gradient",
        (f"{SEQUENCES}over-time",),
        "https://github.com/Russell91/nlpcaffe/issues/4",
    ),
    (
        "lack of positional encoding",
        (f"{SEQUENCES}positions",),
        "https://github.com/keras-team/keras-io/issues/1894",
    ),
    (
        "large number is multiplied with the embedding output",
        (f"{SEQUENCES}scale",),
        f"{TENSORFLOW}42968",
    ),
    (
        "stateful training but the batches are shuffled",
        (f"{SEQUENCES}state",),
        f"{TENSORFLOW}40067",
    ),
    (
        "skip connections",
        ("chapters/residual.html#",),
        "https://deeplearningnotes-site.pages.dev/deep-nns/vanishing-gradient/skip-connections",
    ),
    (
        "transformer initialization",
        ("chapters/residual.html#",),
        "https://github.com/keras-team/keras-hub/issues/352",
    ),
    ("clipnorm", ("chapters/optimization.html#",), f"{KERAS}510"),
    (
        "gradient clipping",
        ("chapters/optimization.html#",),
        "https://github.com/ymcui/Eval-on-NN-of-RC/issues/3",
    ),
    (
        "learning rate warm-up",
        ("chapters/optimization.html#",),
        "https://github.com/google-research/bert/issues/425",
    ),
    (
        "mixed precision nan",
        (f"{NAN}mask", "chapters/optimization.html#"),
        f"{KERAS}16552",
    ),
    (
        "sigmoid or softmax last layer which loss",
        ("chapters/losses.html#",),
        f"{KERAS}6983",
    ),
    (
        "dynamical isometry",
        ("chapters/beyond_variance.html#",),
        "https://arxiv.org/html/2508.02882v2",
    ),
    # The loss, the last layer, the labels
    (
        "categorical_crossentropy for binary classification losses equal to 0",
        (f"{LOSSES}zero",),
        f"{KERAS}17029",
    ),
    ("the loss becomes negative", (f"{LOSSES}negative",), f"{KERAS}1917"),
    (
        "loss function for multi-label problem",
        (f"{LOSSES}rises", f"{LOSSES}table"),
        f"{KERAS}2166",
    ),
    (
        "model not converging when trained with custom training loop",
        (f"{LOSSES}mean",),
        f"{TENSORFLOW}28901",
    ),
    (
        "LSTM with mean_squared_error doesn't reduce the loss over time",
        (f"{LOSSES}floor", f"{SEQUENCES}padding"),
        f"{KERAS}321",
    ),
    (
        "tanh critic activation function may be wrong",
        (f"{LOSSES}floor",),
        "https://github.com/LuEE-C/PPO-Keras/issues/13",
    ),
    (
        "relu applied to logits",
        (f"{LOSSES}floor", f"{CHECKS}logits"),
        "https://github.com/huyng/tensorflow-vgg/issues/13",
    ),
    (
        "double softmax in cross entropy",
        (f"{CHECKS}logits",),
        "https://github.com/nfmcclure/tensorflow_cookbook/issues/86",
    ),
    (
        "cosine_proximity loss missing minus sign",
        (f"{LOSSES}sign",),
        "https://github.com/tensorflow/tensorflow/pull/32186",
    ),
    (
        "heatmap predictions converge to zero",
        (f"{LOSSES}sparse",),
        "https://github.com/tpfister/caffe-heatmap/issues/17",
    ),
    (
        "VAE kl loss posterior is collapsing",
        (f"{LOSSES}terms",),
        "https://github.com/AppliedDataSciencePartners/WorldModels/issues/12",
    ),
    (
        "nan loss with poisson objective",
        (f"{LOSSES}counts", f"{NAN}first-batch"),
        f"{KERAS}590",
    ),
    (
        "normalize target data",
        (f"{DIAGNOSIS}findings",),
        "https://stats.stackexchange.com/questions/409000",
    ),
    # A layer, an optimizer, the order of the rows
    (
        "confusion between dropout rate and keep_prob",
        (f"{DIAGNOSIS}findings",),
        "https://github.com/hunkim/DeepLearningZeroToAll/issues/122",
    ),
    (
        "K.round and tf.floor in custom layers",
        (f"{DIAGNOSIS}findings",),
        f"{KERAS}5521",
    ),
    (
        "pre-train discriminator loss keeps the same",
        (f"{EVALUATION}frozen",),
        "https://github.com/0b01/SimGAN-Captcha/issues/4",
    ),
    (
        "Dense layer in call weights never change",
        (f"{EVALUATION}untracked",),
        f"{KERAS}11736",
    ),
    (
        "learning rate decay every batch or epoch",
        ("chapters/optimization.html#schedule",),
        f"{KERAS}9938",
    ),
    (
        "minibatch size 1 batch norm not working",
        ("chapters/normalization.html#small",),
        "https://github.com/microsoft/CNTK/issues/905",
    ),
    (
        "shuffle X and Y independently of each other",
        (f"{CHECKS}labels", f"{SAME}labels"),
        f"{KERAS}222",
    ),
    (
        "acc always 10%, vgg cannot converge",
        FLAT,
        "https://github.com/kuangliu/pytorch-cifar/issues/28",
    ),
]

HELD_OUT: list[Question] = [
    (
        "padding without masking",
        (f"{SEQUENCES}padding", f"{SEQUENCES}masks"),
        "https://github.com/aneesh-joshi/LSTM_POS_Tagger/issues/8",
    ),
    (
        "biases for LSTM and GRU forget gates",
        (f"{SEQUENCES}over-time",),
        f"{KERAS}7028",
    ),
    (
        "why multiply token embedding by math.sqrt",
        (f"{SEQUENCES}scale",),
        "https://github.com/pytorch/examples/issues/854",
    ),
    (
        "no reduction in loss",
        FLAT,
        "https://github.com/chasingbob/squeezenet-keras/issues/3",
    ),
    ("val_acc remains constant", FLAT, f"{TENSORFLOW}47586"),
    ("why the loss doesn't decrease", FLAT, f"{TENSORFLOW}37537"),
    (
        "loss constant at 0.69",
        FLAT,
        "https://github.com/chasingbob/squeezenet-keras/issues/3",
    ),
    (
        "loss nan very deep network",
        (f"{CHECKS}nan", f"{GRADIENTS}first-infinity"),
        "https://github.com/twtygqyy/pytorch-SRDenseNet/issues/2",
    ),
    (
        "gradient explosion",
        (
            f"{GRADIENTS}what-vanishes",
            f"{GRADIENTS}first-infinity",
            f"{CHECKS}nan",
        ),
        f"{KERAS}10847",
    ),
    (
        "not normalizing input bad performance with relu",
        (f"{CHECKS}first-loss", f"{DIAGNOSIS}pixels"),
        f"{STATS}367057",
    ),
    (
        "glorot not right for sigmoid",
        (
            f"{ACTIVATIONS}scale",
            f"{ATLAS}sigmoid",
            f"{START}which",
            f"{CHOOSING}table",
        ),
        "https://github.com/clab/dynet/issues/262",
    ),
    (
        "glorot uniform formula",
        (f"{START}which", f"{DRAWS}the-initializers"),
        "https://github.com/Lasagne/Lasagne/issues/787",
    ),
    (
        "glorot_normal limits not consistent with documentation",
        (f"{START}truncation", "errata.html#in-kerass-documentation"),
        f"{TENSORFLOW}25564",
    ),
    (
        "variance_scaling_initializer",
        (f"{START}fan-avg", f"{DRAWS}the-initializers", f"{START}truncation"),
        f"{TENSORFLOW}16344",
    ),
    (
        "orthogonal initializer re-used",
        (f"{START}shared-instance", f"{CHECKS}branches"),
        "https://github.com/deel-ai/deel-lip/issues/64",
    ),
    (
        "identical values each time initializer",
        (f"{START}shared-instance", f"{CHECKS}branches"),
        "https://github.com/leondgarse/keras_cv_attention_models/issues/114",
    ),
    (
        "count dead neurons",
        (f"{DEAD}what-is-a-dead-unit", f"{DEAD}normal", f"{CHECKS}dead"),
        "https://github.com/tensorflow/minigo/pull/425",
    ),
    (
        "learning is slow for sigmoid",
        (
            f"{ATLAS}sigmoid",
            f"{DIAGNOSIS}sigmoids",
            f"{GRADIENTS}what-vanishes",
        ),
        "https://oalahurikar.github.io/ai-blog/First-Principles/Learning-is-slow-for-sigmoid",
    ),
    (
        "tanh wrong saturation",
        (
            f"{SATURATION}what-does-saturated-mean",
            f"{CHECKS}pinned",
            f"{SATURATION}what-drives-units-to-their-ends",
        ),
        f"{OVERFLOW}13632976",
    ),
    (
        "prelu initialization",
        (f"{ACTIVATIONS}scale", f"{CHOOSING}table", f"{ACTIVATIONS}keras"),
        "https://github.com/keras-team/keras/pull/9831",
    ),
    (
        "relu vs selu",
        (f"{ACTIVATIONS}relu", f"{ACTIVATIONS}scale", f"{ATLAS}best"),
        "https://github.com/keras-team/keras/pull/6990",
    ),
    (
        "keras initializer in pytorch",
        (f"{DRAWS}in-pytorch-and-flax",),
        "https://github.com/cchallu/nbeatsx/issues/1",
    ),
    (
        "monitor gradients while training",
        (f"{DIAGNOSIS}watch", f"{GRADIENTS}where-is-it-lost"),
        "https://codemia.io/knowledge-hub/path/how_to_monitor_gradient_vanish_and_explosion_in_keras_with_tensorboard",
    ),
]
