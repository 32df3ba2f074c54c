-- expect: syntax
-- thousands of labels and gotos
do goto a0 ::b0:: goto a1 ::b1:: goto a2 ::b2:: goto a3 ::b3:: goto a4 ::b4:: goto a5 ::b5:: goto
a6 ::b6:: goto a7 ::b7:: goto a8 ::b8:: goto a9 ::b9:: goto a10 ::b10:: goto a11 ::b11:: goto a12
::b12:: goto a13 ::b13:: goto a14 ::b14:: goto a15 ::b15:: goto a16 ::b16:: goto a17 ::b17:: goto
a18 ::b18:: goto a19 ::b19:: goto a20 ::b20:: goto a21 ::b21:: goto a22 ::b22:: goto a23 ::b23::
goto a24 ::b24:: goto a25 ::b25:: goto a26 ::b26:: goto a27 ::b27:: goto a28 ::b28:: goto a29
::b29:: goto a30 ::b30:: goto a31 ::b31:: goto a32 ::b32:: goto a33 ::b33:: goto a34 ::b34:: goto
a35 ::b35:: goto a36 ::b36:: goto a37 ::b37:: goto a38 ::b38:: goto a39 ::b39:: goto a40 ::b40::
goto a41 ::b41:: goto a42 ::b42:: goto a43 ::b43:: goto a44 ::b44:: goto a45 ::b45:: goto a46
::b46:: goto a47 ::b47:: goto a48 ::b48:: goto a49 ::b49:: goto a50 ::b50:: goto a51 ::b51:: goto
a52 ::b52:: goto a53 ::b53:: goto a54 ::b54:: goto a55 ::b55:: goto a56 ::b56:: goto a57 ::b57::
goto a58 ::b58:: goto a59 ::b59:: goto a60 ::b60:: goto a61 ::b61:: goto a62 ::b62:: goto a63
::b63:: goto a64 ::b64:: goto a65 ::b65:: goto a66 ::b66:: goto a67 ::b67:: goto a68 ::b68:: goto
a69 ::b69:: goto a70 ::b70:: goto a71 ::b71:: goto a72 ::b72:: goto a73 ::b73:: goto a74 ::b74::
goto a75 ::b75:: goto a76 ::b76:: goto a77 ::b77:: goto a78 ::b78:: goto a79 ::b79:: goto a80
::b80:: goto a81 ::b81:: goto a82 ::b82:: goto a83 ::b83:: goto a84 ::b84:: goto a85 ::b85:: goto
a86 ::b86:: goto a87 ::b87:: goto a88 ::b88:: goto a89 ::b89:: goto a90 ::b90:: goto a91 ::b91::
goto a92 ::b92:: goto a93 ::b93:: goto a94 ::b94:: goto a95 ::b95:: goto a96 ::b96:: goto a97
::b97:: goto a98 ::b98:: goto a99 ::b99:: goto a100 ::b100:: goto a101 ::b101:: goto a102 ::b102::
goto a103 ::b103:: goto a104 ::b104:: goto a105 ::b105:: goto a106 ::b106:: goto a107 ::b107:: goto
a108 ::b108:: goto a109 ::b109:: goto a110 ::b110:: goto a111 ::b111:: goto a112 ::b112:: goto a113
::b113:: goto a114 ::b114:: goto a115 ::b115:: goto a116 ::b116:: goto a117 ::b117:: goto a118
::b118:: goto a119 ::b119:: goto a120 ::b120:: goto a121 ::b121:: goto a122 ::b122:: goto a123
::b123:: goto a124 ::b124:: goto a125 ::b125:: goto a126 ::b126:: goto a127 ::b127:: goto a128
::b128:: goto a129 ::b129:: goto a130 ::b130:: goto a131 ::b131:: goto a132 ::b132:: goto a133
::b133:: goto a134 ::b134:: goto a135 ::b135:: goto a136 ::b136:: goto a137 ::b137:: goto a138
::b138:: goto a139 ::b139:: goto a140 ::b140:: goto a141 ::b141:: goto a142 ::b142:: goto a143
::b143:: goto a144 ::b144:: goto a145 ::b145:: goto a146 ::b146:: goto a147 ::b147:: goto a148
::b148:: goto a149 ::b149:: goto a150 ::b150:: goto a151 ::b151:: goto a152 ::b152:: goto a153
::b153:: goto a154 ::b154:: goto a155 ::b155:: goto a156 ::b156:: goto a157 ::b157:: goto a158
::b158:: goto a159 ::b159:: goto a160 ::b160:: goto a161 ::b161:: goto a162 ::b162:: goto a163
::b163:: goto a164 ::b164:: goto a165 ::b165:: goto a166 ::b166:: goto a167 ::b167:: goto a168
::b168:: goto a169 ::b169:: goto a170 ::b170:: goto a171 ::b171:: goto a172 ::b172:: goto a173
::b173:: goto a174 ::b174:: goto a175 ::b175:: goto a176 ::b176:: goto a177 ::b177:: goto a178
::b178:: goto a179 ::b179:: goto a180 ::b180:: goto a181 ::b181:: goto a182 ::b182:: goto a183
::b183:: goto a184 ::b184:: goto a185 ::b185:: goto a186 ::b186:: goto a187 ::b187:: goto a188
::b188:: goto a189 ::b189:: goto a190 ::b190:: goto a191 ::b191:: goto a192 ::b192:: goto a193
::b193:: goto a194 ::b194:: goto a195 ::b195:: goto a196 ::b196:: goto a197 ::b197:: goto a198
::b198:: goto a199 ::b199:: goto a200 ::b200:: goto a201 ::b201:: goto a202 ::b202:: goto a203
::b203:: goto a204 ::b204:: goto a205 ::b205:: goto a206 ::b206:: goto a207 ::b207:: goto a208
::b208:: goto a209 ::b209:: goto a210 ::b210:: goto a211 ::b211:: goto a212 ::b212:: goto a213
::b213:: goto a214 ::b214:: goto a215 ::b215:: goto a216 ::b216:: goto a217 ::b217:: goto a218
::b218:: goto a219 ::b219:: goto a220 ::b220:: goto a221 ::b221:: goto a222 ::b222:: goto a223
::b223:: goto a224 ::b224:: goto a225 ::b225:: goto a226 ::b226:: goto a227 ::b227:: goto a228
::b228:: goto a229 ::b229:: goto a230 ::b230:: goto a231 ::b231:: goto a232 ::b232:: goto a233
::b233:: goto a234 ::b234:: goto a235 ::b235:: goto a236 ::b236:: goto a237 ::b237:: goto a238
::b238:: goto a239 ::b239:: goto a240 ::b240:: goto a241 ::b241:: goto a242 ::b242:: goto a243
::b243:: goto a244 ::b244:: goto a245 ::b245:: goto a246 ::b246:: goto a247 ::b247:: goto a248
::b248:: goto a249 ::b249:: goto a250 ::b250:: goto a251 ::b251:: goto a252 ::b252:: goto a253
::b253:: goto a254 ::b254:: goto a255 ::b255:: goto a256 ::b256:: goto a257 ::b257:: goto a258
::b258:: goto a259 ::b259:: goto a260 ::b260:: goto a261 ::b261:: goto a262 ::b262:: goto a263
::b263:: goto a264 ::b264:: goto a265 ::b265:: goto a266 ::b266:: goto a267 ::b267:: goto a268
::b268:: goto a269 ::b269:: goto a270 ::b270:: goto a271 ::b271:: goto a272 ::b272:: goto a273
::b273:: goto a274 ::b274:: goto a275 ::b275:: goto a276 ::b276:: goto a277 ::b277:: goto a278
::b278:: goto a279 ::b279:: goto a280 ::b280:: goto a281 ::b281:: goto a282 ::b282:: goto a283
::b283:: goto a284 ::b284:: goto a285 ::b285:: goto a286 ::b286:: goto a287 ::b287:: goto a288
::b288:: goto a289 ::b289:: goto a290 ::b290:: goto a291 ::b291:: goto a292 ::b292:: goto a293
::b293:: goto a294 ::b294:: goto a295 ::b295:: goto a296 ::b296:: goto a297 ::b297:: goto a298
::b298:: goto a299 ::b299:: goto a300 ::b300:: goto a301 ::b301:: goto a302 ::b302:: goto a303
::b303:: goto a304 ::b304:: goto a305 ::b305:: goto a306 ::b306:: goto a307 ::b307:: goto a308
::b308:: goto a309 ::b309:: goto a310 ::b310:: goto a311 ::b311:: goto a312 ::b312:: goto a313
::b313:: goto a314 ::b314:: goto a315 ::b315:: goto a316 ::b316:: goto a317 ::b317:: goto a318
::b318:: goto a319 ::b319:: goto a320 ::b320:: goto a321 ::b321:: goto a322 ::b322:: goto a323
::b323:: goto a324 ::b324:: goto a325 ::b325:: goto a326 ::b326:: goto a327 ::b327:: goto a328
::b328:: goto a329 ::b329:: goto a330 ::b330:: goto a331 ::b331:: goto a332 ::b332:: goto a333
::b333:: goto a334 ::b334:: goto a335 ::b335:: goto a336 ::b336:: goto a337 ::b337:: goto a338
::b338:: goto a339 ::b339:: goto a340 ::b340:: goto a341 ::b341:: goto a342 ::b342:: goto a343
::b343:: goto a344 ::b344:: goto a345 ::b345:: goto a346 ::b346:: goto a347 ::b347:: goto a348
::b348:: goto a349 ::b349:: goto a350 ::b350:: goto a351 ::b351:: goto a352 ::b352:: goto a353
::b353:: goto a354 ::b354:: goto a355 ::b355:: goto a356 ::b356:: goto a357 ::b357:: goto a358
::b358:: goto a359 ::b359:: goto a360 ::b360:: goto a361 ::b361:: goto a362 ::b362:: goto a363
::b363:: goto a364 ::b364:: goto a365 ::b365:: goto a366 ::b366:: goto a367 ::b367:: goto a368
::b368:: goto a369 ::b369:: goto a370 ::b370:: goto a371 ::b371:: goto a372 ::b372:: goto a373
::b373:: goto a374 ::b374:: goto a375 ::b375:: goto a376 ::b376:: goto a377 ::b377:: goto a378
::b378:: goto a379 ::b379:: goto a380 ::b380:: goto a381 ::b381:: goto a382 ::b382:: goto a383
::b383:: goto a384 ::b384:: goto a385 ::b385:: goto a386 ::b386:: goto a387 ::b387:: goto a388
::b388:: goto a389 ::b389:: goto a390 ::b390:: goto a391 ::b391:: goto a392 ::b392:: goto a393
::b393:: goto a394 ::b394:: goto a395 ::b395:: goto a396 ::b396:: goto a397 ::b397:: goto a398
::b398:: goto a399 ::b399:: goto a400 ::b400:: goto a401 ::b401:: goto a402 ::b402:: goto a403
::b403:: goto a404 ::b404:: goto a405 ::b405:: goto a406 ::b406:: goto a407 ::b407:: goto a408
::b408:: goto a409 ::b409:: goto a410 ::b410:: goto a411 ::b411:: goto a412 ::b412:: goto a413
::b413:: goto a414 ::b414:: goto a415 ::b415:: goto a416 ::b416:: goto a417 ::b417:: goto a418
::b418:: goto a419 ::b419:: goto a420 ::b420:: goto a421 ::b421:: goto a422 ::b422:: goto a423
::b423:: goto a424 ::b424:: goto a425 ::b425:: goto a426 ::b426:: goto a427 ::b427:: goto a428
::b428:: goto a429 ::b429:: goto a430 ::b430:: goto a431 ::b431:: goto a432 ::b432:: goto a433
::b433:: goto a434 ::b434:: goto a435 ::b435:: goto a436 ::b436:: goto a437 ::b437:: goto a438
::b438:: goto a439 ::b439:: goto a440 ::b440:: goto a441 ::b441:: goto a442 ::b442:: goto a443
::b443:: goto a444 ::b444:: goto a445 ::b445:: goto a446 ::b446:: goto a447 ::b447:: goto a448
::b448:: goto a449 ::b449:: goto a450 ::b450:: goto a451 ::b451:: goto a452 ::b452:: goto a453
::b453:: goto a454 ::b454:: goto a455 ::b455:: goto a456 ::b456:: goto a457 ::b457:: goto a458
::b458:: goto a459 ::b459:: goto a460 ::b460:: goto a461 ::b461:: goto a462 ::b462:: goto a463
::b463:: goto a464 ::b464:: goto a465 ::b465:: goto a466 ::b466:: goto a467 ::b467:: goto a468
::b468:: goto a469 ::b469:: goto a470 ::b470:: goto a471 ::b471:: goto a472 ::b472:: goto a473
::b473:: goto a474 ::b474:: goto a475 ::b475:: goto a476 ::b476:: goto a477 ::b477:: goto a478
::b478:: goto a479 ::b479:: goto a480 ::b480:: goto a481 ::b481:: goto a482 ::b482:: goto a483
::b483:: goto a484 ::b484:: goto a485 ::b485:: goto a486 ::b486:: goto a487 ::b487:: goto a488
::b488:: goto a489 ::b489:: goto a490 ::b490:: goto a491 ::b491:: goto a492 ::b492:: goto a493
::b493:: goto a494 ::b494:: goto a495 ::b495:: goto a496 ::b496:: goto a497 ::b497:: goto a498
::b498:: goto a499 ::b499:: goto a500 ::b500:: goto a501 ::b501:: goto a502 ::b502:: goto a503
::b503:: goto a504 ::b504:: goto a505 ::b505:: goto a506 ::b506:: goto a507 ::b507:: goto a508
::b508:: goto a509 ::b509:: goto a510 ::b510:: goto a511 ::b511:: goto a512 ::b512:: goto a513
::b513:: goto a514 ::b514:: goto a515 ::b515:: goto a516 ::b516:: goto a517 ::b517:: goto a518
::b518:: goto a519 ::b519:: goto a520 ::b520:: goto a521 ::b521:: goto a522 ::b522:: goto a523
::b523:: goto a524 ::b524:: goto a525 ::b525:: goto a526 ::b526:: goto a527 ::b527:: goto a528
::b528:: goto a529 ::b529:: goto a530 ::b530:: goto a531 ::b531:: goto a532 ::b532:: goto a533
::b533:: goto a534 ::b534:: goto a535 ::b535:: goto a536 ::b536:: goto a537 ::b537:: goto a538
::b538:: goto a539 ::b539:: goto a540 ::b540:: goto a541 ::b541:: goto a542 ::b542:: goto a543
::b543:: goto a544 ::b544:: goto a545 ::b545:: goto a546 ::b546:: goto a547 ::b547:: goto a548
::b548:: goto a549 ::b549:: goto a550 ::b550:: goto a551 ::b551:: goto a552 ::b552:: goto a553
::b553:: goto a554 ::b554:: goto a555 ::b555:: goto a556 ::b556:: goto a557 ::b557:: goto a558
::b558:: goto a559 ::b559:: goto a560 ::b560:: goto a561 ::b561:: goto a562 ::b562:: goto a563
::b563:: goto a564 ::b564:: goto a565 ::b565:: goto a566 ::b566:: goto a567 ::b567:: goto a568
::b568:: goto a569 ::b569:: goto a570 ::b570:: goto a571 ::b571:: goto a572 ::b572:: goto a573
::b573:: goto a574 ::b574:: goto a575 ::b575:: goto a576 ::b576:: goto a577 ::b577:: goto a578
::b578:: goto a579 ::b579:: goto a580 ::b580:: goto a581 ::b581:: goto a582 ::b582:: goto a583
::b583:: goto a584 ::b584:: goto a585 ::b585:: goto a586 ::b586:: goto a587 ::b587:: goto a588
::b588:: goto a589 ::b589:: goto a590 ::b590:: goto a591 ::b591:: goto a592 ::b592:: goto a593
::b593:: goto a594 ::b594:: goto a595 ::b595:: goto a596 ::b596:: goto a597 ::b597:: goto a598
::b598:: goto a599 ::b599:: goto a600 ::b600:: goto a601 ::b601:: goto a602 ::b602:: goto a603
::b603:: goto a604 ::b604:: goto a605 ::b605:: goto a606 ::b606:: goto a607 ::b607:: goto a608
::b608:: goto a609 ::b609:: goto a610 ::b610:: goto a611 ::b611:: goto a612 ::b612:: goto a613
::b613:: goto a614 ::b614:: goto a615 ::b615:: goto a616 ::b616:: goto a617 ::b617:: goto a618
::b618:: goto a619 ::b619:: goto a620 ::b620:: goto a621 ::b621:: goto a622 ::b622:: goto a623
::b623:: goto a624 ::b624:: goto a625 ::b625:: goto a626 ::b626:: goto a627 ::b627:: goto a628
::b628:: goto a629 ::b629:: goto a630 ::b630:: goto a631 ::b631:: goto a632 ::b632:: goto a633
::b633:: goto a634 ::b634:: goto a635 ::b635:: goto a636 ::b636:: goto a637 ::b637:: goto a638
::b638:: goto a639 ::b639:: goto a640 ::b640:: goto a641 ::b641:: goto a642 ::b642:: goto a643
::b643:: goto a644 ::b644:: goto a645 ::b645:: goto a646 ::b646:: goto a647 ::b647:: goto a648
::b648:: goto a649 ::b649:: goto a650 ::b650:: goto a651 ::b651:: goto a652 ::b652:: goto a653
::b653:: goto a654 ::b654:: goto a655 ::b655:: goto a656 ::b656:: goto a657 ::b657:: goto a658
::b658:: goto a659 ::b659:: goto a660 ::b660:: goto a661 ::b661:: goto a662 ::b662:: goto a663
::b663:: goto a664 ::b664:: goto a665 ::b665:: goto a666 ::b666:: goto a667 ::b667:: goto a668
::b668:: goto a669 ::b669:: goto a670 ::b670:: goto a671 ::b671:: goto a672 ::b672:: goto a673
::b673:: goto a674 ::b674:: goto a675 ::b675:: goto a676 ::b676:: goto a677 ::b677:: goto a678
::b678:: goto a679 ::b679:: goto a680 ::b680:: goto a681 ::b681:: goto a682 ::b682:: goto a683
::b683:: goto a684 ::b684:: goto a685 ::b685:: goto a686 ::b686:: goto a687 ::b687:: goto a688
::b688:: goto a689 ::b689:: goto a690 ::b690:: goto a691 ::b691:: goto a692 ::b692:: goto a693
::b693:: goto a694 ::b694:: goto a695 ::b695:: goto a696 ::b696:: goto a697 ::b697:: goto a698
::b698:: goto a699 ::b699:: goto a700 ::b700:: goto a701 ::b701:: goto a702 ::b702:: goto a703
::b703:: goto a704 ::b704:: goto a705 ::b705:: goto a706 ::b706:: goto a707 ::b707:: goto a708
::b708:: goto a709 ::b709:: goto a710 ::b710:: goto a711 ::b711:: goto a712 ::b712:: goto a713
::b713:: goto a714 ::b714:: goto a715 ::b715:: goto a716 ::b716:: goto a717 ::b717:: goto a718
::b718:: goto a719 ::b719:: goto a720 ::b720:: goto a721 ::b721:: goto a722 ::b722:: goto a723
::b723:: goto a724 ::b724:: goto a725 ::b725:: goto a726 ::b726:: goto a727 ::b727:: goto a728
::b728:: goto a729 ::b729:: goto a730 ::b730:: goto a731 ::b731:: goto a732 ::b732:: goto a733
::b733:: goto a734 ::b734:: goto a735 ::b735:: goto a736 ::b736:: goto a737 ::b737:: goto a738
::b738:: goto a739 ::b739:: goto a740 ::b740:: goto a741 ::b741:: goto a742 ::b742:: goto a743
::b743:: goto a744 ::b744:: goto a745 ::b745:: goto a746 ::b746:: goto a747 ::b747:: goto a748
::b748:: goto a749 ::b749:: goto a750 ::b750:: goto a751 ::b751:: goto a752 ::b752:: goto a753
::b753:: goto a754 ::b754:: goto a755 ::b755:: goto a756 ::b756:: goto a757 ::b757:: goto a758
::b758:: goto a759 ::b759:: goto a760 ::b760:: goto a761 ::b761:: goto a762 ::b762:: goto a763
::b763:: goto a764 ::b764:: goto a765 ::b765:: goto a766 ::b766:: goto a767 ::b767:: goto a768
::b768:: goto a769 ::b769:: goto a770 ::b770:: goto a771 ::b771:: goto a772 ::b772:: goto a773
::b773:: goto a774 ::b774:: goto a775 ::b775:: goto a776 ::b776:: goto a777 ::b777:: goto a778
::b778:: goto a779 ::b779:: goto a780 ::b780:: goto a781 ::b781:: goto a782 ::b782:: goto a783
::b783:: goto a784 ::b784:: goto a785 ::b785:: goto a786 ::b786:: goto a787 ::b787:: goto a788
::b788:: goto a789 ::b789:: goto a790 ::b790:: goto a791 ::b791:: goto a792 ::b792:: goto a793
::b793:: goto a794 ::b794:: goto a795 ::b795:: goto a796 ::b796:: goto a797 ::b797:: goto a798
::b798:: goto a799 ::b799:: goto a800 ::b800:: goto a801 ::b801:: goto a802 ::b802:: goto a803
::b803:: goto a804 ::b804:: goto a805 ::b805:: goto a806 ::b806:: goto a807 ::b807:: goto a808
::b808:: goto a809 ::b809:: goto a810 ::b810:: goto a811 ::b811:: goto a812 ::b812:: goto a813
::b813:: goto a814 ::b814:: goto a815 ::b815:: goto a816 ::b816:: goto a817 ::b817:: goto a818
::b818:: goto a819 ::b819:: goto a820 ::b820:: goto a821 ::b821:: goto a822 ::b822:: goto a823
::b823:: goto a824 ::b824:: goto a825 ::b825:: goto a826 ::b826:: goto a827 ::b827:: goto a828
::b828:: goto a829 ::b829:: goto a830 ::b830:: goto a831 ::b831:: goto a832 ::b832:: goto a833
::b833:: goto a834 ::b834:: goto a835 ::b835:: goto a836 ::b836:: goto a837 ::b837:: goto a838
::b838:: goto a839 ::b839:: goto a840 ::b840:: goto a841 ::b841:: goto a842 ::b842:: goto a843
::b843:: goto a844 ::b844:: goto a845 ::b845:: goto a846 ::b846:: goto a847 ::b847:: goto a848
::b848:: goto a849 ::b849:: goto a850 ::b850:: goto a851 ::b851:: goto a852 ::b852:: goto a853
::b853:: goto a854 ::b854:: goto a855 ::b855:: goto a856 ::b856:: goto a857 ::b857:: goto a858
::b858:: goto a859 ::b859:: goto a860 ::b860:: goto a861 ::b861:: goto a862 ::b862:: goto a863
::b863:: goto a864 ::b864:: goto a865 ::b865:: goto a866 ::b866:: goto a867 ::b867:: goto a868
::b868:: goto a869 ::b869:: goto a870 ::b870:: goto a871 ::b871:: goto a872 ::b872:: goto a873
::b873:: goto a874 ::b874:: goto a875 ::b875:: goto a876 ::b876:: goto a877 ::b877:: goto a878
::b878:: goto a879 ::b879:: goto a880 ::b880:: goto a881 ::b881:: goto a882 ::b882:: goto a883
::b883:: goto a884 ::b884:: goto a885 ::b885:: goto a886 ::b886:: goto a887 ::b887:: goto a888
::b888:: goto a889 ::b889:: goto a890 ::b890:: goto a891 ::b891:: goto a892 ::b892:: goto a893
::b893:: goto a894 ::b894:: goto a895 ::b895:: goto a896 ::b896:: goto a897 ::b897:: goto a898
::b898:: goto a899 ::b899:: goto a900 ::b900:: goto a901 ::b901:: goto a902 ::b902:: goto a903
::b903:: goto a904 ::b904:: goto a905 ::b905:: goto a906 ::b906:: goto a907 ::b907:: goto a908
::b908:: goto a909 ::b909:: goto a910 ::b910:: goto a911 ::b911:: goto a912 ::b912:: goto a913
::b913:: goto a914 ::b914:: goto a915 ::b915:: goto a916 ::b916:: goto a917 ::b917:: goto a918
::b918:: goto a919 ::b919:: goto a920 ::b920:: goto a921 ::b921:: goto a922 ::b922:: goto a923
::b923:: goto a924 ::b924:: goto a925 ::b925:: goto a926 ::b926:: goto a927 ::b927:: goto a928
::b928:: goto a929 ::b929:: goto a930 ::b930:: goto a931 ::b931:: goto a932 ::b932:: goto a933
::b933:: goto a934 ::b934:: goto a935 ::b935:: goto a936 ::b936:: goto a937 ::b937:: goto a938
::b938:: goto a939 ::b939:: goto a940 ::b940:: goto a941 ::b941:: goto a942 ::b942:: goto a943
::b943:: goto a944 ::b944:: goto a945 ::b945:: goto a946 ::b946:: goto a947 ::b947:: goto a948
::b948:: goto a949 ::b949:: goto a950 ::b950:: goto a951 ::b951:: goto a952 ::b952:: goto a953
::b953:: goto a954 ::b954:: goto a955 ::b955:: goto a956 ::b956:: goto a957 ::b957:: goto a958
::b958:: goto a959 ::b959:: goto a960 ::b960:: goto a961 ::b961:: goto a962 ::b962:: goto a963
::b963:: goto a964 ::b964:: goto a965 ::b965:: goto a966 ::b966:: goto a967 ::b967:: goto a968
::b968:: goto a969 ::b969:: goto a970 ::b970:: goto a971 ::b971:: goto a972 ::b972:: goto a973
::b973:: goto a974 ::b974:: goto a975 ::b975:: goto a976 ::b976:: goto a977 ::b977:: goto a978
::b978:: goto a979 ::b979:: goto a980 ::b980:: goto a981 ::b981:: goto a982 ::b982:: goto a983
::b983:: goto a984 ::b984:: goto a985 ::b985:: goto a986 ::b986:: goto a987 ::b987:: goto a988
::b988:: goto a989 ::b989:: goto a990 ::b990:: goto a991 ::b991:: goto a992 ::b992:: goto a993
::b993:: goto a994 ::b994:: goto a995 ::b995:: goto a996 ::b996:: goto a997 ::b997:: goto a998
::b998:: goto a999 ::b999:: goto a1000 ::b1000:: goto a1001 ::b1001:: goto a1002 ::b1002:: goto
a1003 ::b1003:: goto a1004 ::b1004:: goto a1005 ::b1005:: goto a1006 ::b1006:: goto a1007 ::b1007::
goto a1008 ::b1008:: goto a1009 ::b1009:: goto a1010 ::b1010:: goto a1011 ::b1011:: goto a1012
::b1012:: goto a1013 ::b1013:: goto a1014 ::b1014:: goto a1015 ::b1015:: goto a1016 ::b1016:: goto
a1017 ::b1017:: goto a1018 ::b1018:: goto a1019 ::b1019:: goto a1020 ::b1020:: goto a1021 ::b1021::
goto a1022 ::b1022:: goto a1023 ::b1023:: goto a1024 ::b1024:: goto a1025 ::b1025:: goto a1026
::b1026:: goto a1027 ::b1027:: goto a1028 ::b1028:: goto a1029 ::b1029:: goto a1030 ::b1030:: goto
a1031 ::b1031:: goto a1032 ::b1032:: goto a1033 ::b1033:: goto a1034 ::b1034:: goto a1035 ::b1035::
goto a1036 ::b1036:: goto a1037 ::b1037:: goto a1038 ::b1038:: goto a1039 ::b1039:: goto a1040
::b1040:: goto a1041 ::b1041:: goto a1042 ::b1042:: goto a1043 ::b1043:: goto a1044 ::b1044:: goto
a1045 ::b1045:: goto a1046 ::b1046:: goto a1047 ::b1047:: goto a1048 ::b1048:: goto a1049 ::b1049::
goto a1050 ::b1050:: goto a1051 ::b1051:: goto a1052 ::b1052:: goto a1053 ::b1053:: goto a1054
::b1054:: goto a1055 ::b1055:: goto a1056 ::b1056:: goto a1057 ::b1057:: goto a1058 ::b1058:: goto
a1059 ::b1059:: goto a1060 ::b1060:: goto a1061 ::b1061:: goto a1062 ::b1062:: goto a1063 ::b1063::
goto a1064 ::b1064:: goto a1065 ::b1065:: goto a1066 ::b1066:: goto a1067 ::b1067:: goto a1068
::b1068:: goto a1069 ::b1069:: goto a1070 ::b1070:: goto a1071 ::b1071:: goto a1072 ::b1072:: goto
a1073 ::b1073:: goto a1074 ::b1074:: goto a1075 ::b1075:: goto a1076 ::b1076:: goto a1077 ::b1077::
goto a1078 ::b1078:: goto a1079 ::b1079:: goto a1080 ::b1080:: goto a1081 ::b1081:: goto a1082
::b1082:: goto a1083 ::b1083:: goto a1084 ::b1084:: goto a1085 ::b1085:: goto a1086 ::b1086:: goto
a1087 ::b1087:: goto a1088 ::b1088:: goto a1089 ::b1089:: goto a1090 ::b1090:: goto a1091 ::b1091::
goto a1092 ::b1092:: goto a1093 ::b1093:: goto a1094 ::b1094:: goto a1095 ::b1095:: goto a1096
::b1096:: goto a1097 ::b1097:: goto a1098 ::b1098:: goto a1099 ::b1099:: goto a1100 ::b1100:: goto
a1101 ::b1101:: goto a1102 ::b1102:: goto a1103 ::b1103:: goto a1104 ::b1104:: goto a1105 ::b1105::
goto a1106 ::b1106:: goto a1107 ::b1107:: goto a1108 ::b1108:: goto a1109 ::b1109:: goto a1110
::b1110:: goto a1111 ::b1111:: goto a1112 ::b1112:: goto a1113 ::b1113:: goto a1114 ::b1114:: goto
a1115 ::b1115:: goto a1116 ::b1116:: goto a1117 ::b1117:: goto a1118 ::b1118:: goto a1119 ::b1119::
goto a1120 ::b1120:: goto a1121 ::b1121:: goto a1122 ::b1122:: goto a1123 ::b1123:: goto a1124
::b1124:: goto a1125 ::b1125:: goto a1126 ::b1126:: goto a1127 ::b1127:: goto a1128 ::b1128:: goto
a1129 ::b1129:: goto a1130 ::b1130:: goto a1131 ::b1131:: goto a1132 ::b1132:: goto a1133 ::b1133::
goto a1134 ::b1134:: goto a1135 ::b1135:: goto a1136 ::b1136:: goto a1137 ::b1137:: goto a1138
::b1138:: goto a1139 ::b1139:: goto a1140 ::b1140:: goto a1141 ::b1141:: goto a1142 ::b1142:: goto
a1143 ::b1143:: goto a1144 ::b1144:: goto a1145 ::b1145:: goto a1146 ::b1146:: goto a1147 ::b1147::
goto a1148 ::b1148:: goto a1149 ::b1149:: goto a1150 ::b1150:: goto a1151 ::b1151:: goto a1152
::b1152:: goto a1153 ::b1153:: goto a1154 ::b1154:: goto a1155 ::b1155:: goto a1156 ::b1156:: goto
a1157 ::b1157:: goto a1158 ::b1158:: goto a1159 ::b1159:: goto a1160 ::b1160:: goto a1161 ::b1161::
goto a1162 ::b1162:: goto a1163 ::b1163:: goto a1164 ::b1164:: goto a1165 ::b1165:: goto a1166
::b1166:: goto a1167 ::b1167:: goto a1168 ::b1168:: goto a1169 ::b1169:: goto a1170 ::b1170:: goto
a1171 ::b1171:: goto a1172 ::b1172:: goto a1173 ::b1173:: goto a1174 ::b1174:: goto a1175 ::b1175::
goto a1176 ::b1176:: goto a1177 ::b1177:: goto a1178 ::b1178:: goto a1179 ::b1179:: goto a1180
::b1180:: goto a1181 ::b1181:: goto a1182 ::b1182:: goto a1183 ::b1183:: goto a1184 ::b1184:: goto
a1185 ::b1185:: goto a1186 ::b1186:: goto a1187 ::b1187:: goto a1188 ::b1188:: goto a1189 ::b1189::
goto a1190 ::b1190:: goto a1191 ::b1191:: goto a1192 ::b1192:: goto a1193 ::b1193:: goto a1194
::b1194:: goto a1195 ::b1195:: goto a1196 ::b1196:: goto a1197 ::b1197:: goto a1198 ::b1198:: goto
a1199 ::b1199:: goto a1200 ::b1200:: goto a1201 ::b1201:: goto a1202 ::b1202:: goto a1203 ::b1203::
goto a1204 ::b1204:: goto a1205 ::b1205:: goto a1206 ::b1206:: goto a1207 ::b1207:: goto a1208
::b1208:: goto a1209 ::b1209:: goto a1210 ::b1210:: goto a1211 ::b1211:: goto a1212 ::b1212:: goto
a1213 ::b1213:: goto a1214 ::b1214:: goto a1215 ::b1215:: goto a1216 ::b1216:: goto a1217 ::b1217::
goto a1218 ::b1218:: goto a1219 ::b1219:: goto a1220 ::b1220:: goto a1221 ::b1221:: goto a1222
::b1222:: goto a1223 ::b1223:: goto a1224 ::b1224:: goto a1225 ::b1225:: goto a1226 ::b1226:: goto
a1227 ::b1227:: goto a1228 ::b1228:: goto a1229 ::b1229:: goto a1230 ::b1230:: goto a1231 ::b1231::
goto a1232 ::b1232:: goto a1233 ::b1233:: goto a1234 ::b1234:: goto a1235 ::b1235:: goto a1236
::b1236:: goto a1237 ::b1237:: goto a1238 ::b1238:: goto a1239 ::b1239:: goto a1240 ::b1240:: goto
a1241 ::b1241:: goto a1242 ::b1242:: goto a1243 ::b1243:: goto a1244 ::b1244:: goto a1245 ::b1245::
goto a1246 ::b1246:: goto a1247 ::b1247:: goto a1248 ::b1248:: goto a1249 ::b1249:: goto a1250
::b1250:: goto a1251 ::b1251:: goto a1252 ::b1252:: goto a1253 ::b1253:: goto a1254 ::b1254:: goto
a1255 ::b1255:: goto a1256 ::b1256:: goto a1257 ::b1257:: goto a1258 ::b1258:: goto a1259 ::b1259::
goto a1260 ::b1260:: goto a1261 ::b1261:: goto a1262 ::b1262:: goto a1263 ::b1263:: goto a1264
::b1264:: goto a1265 ::b1265:: goto a1266 ::b1266:: goto a1267 ::b1267:: goto a1268 ::b1268:: goto
a1269 ::b1269:: goto a1270 ::b1270:: goto a1271 ::b1271:: goto a1272 ::b1272:: goto a1273 ::b1273::
goto a1274 ::b1274:: goto a1275 ::b1275:: goto a1276 ::b1276:: goto a1277 ::b1277:: goto a1278
::b1278:: goto a1279 ::b1279:: goto a1280 ::b1280:: goto a1281 ::b1281:: goto a1282 ::b1282:: goto
a1283 ::b1283:: goto a1284 ::b1284:: goto a1285 ::b1285:: goto a1286 ::b1286:: goto a1287 ::b1287::
goto a1288 ::b1288:: goto a1289 ::b1289:: goto a1290 ::b1290:: goto a1291 ::b1291:: goto a1292
::b1292:: goto a1293 ::b1293:: goto a1294 ::b1294:: goto a1295 ::b1295:: goto a1296 ::b1296:: goto
a1297 ::b1297:: goto a1298 ::b1298:: goto a1299 ::b1299:: goto a1300 ::b1300:: goto a1301 ::b1301::
goto a1302 ::b1302:: goto a1303 ::b1303:: goto a1304 ::b1304:: goto a1305 ::b1305:: goto a1306
::b1306:: goto a1307 ::b1307:: goto a1308 ::b1308:: goto a1309 ::b1309:: goto a1310 ::b1310:: goto
a1311 ::b1311:: goto a1312 ::b1312:: goto a1313 ::b1313:: goto a1314 ::b1314:: goto a1315 ::b1315::
goto a1316 ::b1316:: goto a1317 ::b1317:: goto a1318 ::b1318:: goto a1319 ::b1319:: goto a1320
::b1320:: goto a1321 ::b1321:: goto a1322 ::b1322:: goto a1323 ::b1323:: goto a1324 ::b1324:: goto
a1325 ::b1325:: goto a1326 ::b1326:: goto a1327 ::b1327:: goto a1328 ::b1328:: goto a1329 ::b1329::
goto a1330 ::b1330:: goto a1331 ::b1331:: goto a1332 ::b1332:: goto a1333 ::b1333:: goto a1334
::b1334:: goto a1335 ::b1335:: goto a1336 ::b1336:: goto a1337 ::b1337:: goto a1338 ::b1338:: goto
a1339 ::b1339:: goto a1340 ::b1340:: goto a1341 ::b1341:: goto a1342 ::b1342:: goto a1343 ::b1343::
goto a1344 ::b1344:: goto a1345 ::b1345:: goto a1346 ::b1346:: goto a1347 ::b1347:: goto a1348
::b1348:: goto a1349 ::b1349:: goto a1350 ::b1350:: goto a1351 ::b1351:: goto a1352 ::b1352:: goto
a1353 ::b1353:: goto a1354 ::b1354:: goto a1355 ::b1355:: goto a1356 ::b1356:: goto a1357 ::b1357::
goto a1358 ::b1358:: goto a1359 ::b1359:: goto a1360 ::b1360:: goto a1361 ::b1361:: goto a1362
::b1362:: goto a1363 ::b1363:: goto a1364 ::b1364:: goto a1365 ::b1365:: goto a1366 ::b1366:: goto
a1367 ::b1367:: goto a1368 ::b1368:: goto a1369 ::b1369:: goto a1370 ::b1370:: goto a1371 ::b1371::
goto a1372 ::b1372:: goto a1373 ::b1373:: goto a1374 ::b1374:: goto a1375 ::b1375:: goto a1376
::b1376:: goto a1377 ::b1377:: goto a1378 ::b1378:: goto a1379 ::b1379:: goto a1380 ::b1380:: goto
a1381 ::b1381:: goto a1382 ::b1382:: goto a1383 ::b1383:: goto a1384 ::b1384:: goto a1385 ::b1385::
goto a1386 ::b1386:: goto a1387 ::b1387:: goto a1388 ::b1388:: goto a1389 ::b1389:: goto a1390
::b1390:: goto a1391 ::b1391:: goto a1392 ::b1392:: goto a1393 ::b1393:: goto a1394 ::b1394:: goto
a1395 ::b1395:: goto a1396 ::b1396:: goto a1397 ::b1397:: goto a1398 ::b1398:: goto a1399 ::b1399::
goto a1400 ::b1400:: goto a1401 ::b1401:: goto a1402 ::b1402:: goto a1403 ::b1403:: goto a1404
::b1404:: goto a1405 ::b1405:: goto a1406 ::b1406:: goto a1407 ::b1407:: goto a1408 ::b1408:: goto
a1409 ::b1409:: goto a1410 ::b1410:: goto a1411 ::b1411:: goto a1412 ::b1412:: goto a1413 ::b1413::
goto a1414 ::b1414:: goto a1415 ::b1415:: goto a1416 ::b1416:: goto a1417 ::b1417:: goto a1418
::b1418:: goto a1419 ::b1419:: goto a1420 ::b1420:: goto a1421 ::b1421:: goto a1422 ::b1422:: goto
a1423 ::b1423:: goto a1424 ::b1424:: goto a1425 ::b1425:: goto a1426 ::b1426:: goto a1427 ::b1427::
goto a1428 ::b1428:: goto a1429 ::b1429:: goto a1430 ::b1430:: goto a1431 ::b1431:: goto a1432
::b1432:: goto a1433 ::b1433:: goto a1434 ::b1434:: goto a1435 ::b1435:: goto a1436 ::b1436:: goto
a1437 ::b1437:: goto a1438 ::b1438:: goto a1439 ::b1439:: goto a1440 ::b1440:: goto a1441 ::b1441::
goto a1442 ::b1442:: goto a1443 ::b1443:: goto a1444 ::b1444:: goto a1445 ::b1445:: goto a1446
::b1446:: goto a1447 ::b1447:: goto a1448 ::b1448:: goto a1449 ::b1449:: goto a1450 ::b1450:: goto
a1451 ::b1451:: goto a1452 ::b1452:: goto a1453 ::b1453:: goto a1454 ::b1454:: goto a1455 ::b1455::
goto a1456 ::b1456:: goto a1457 ::b1457:: goto a1458 ::b1458:: goto a1459 ::b1459:: goto a1460
::b1460:: goto a1461 ::b1461:: goto a1462 ::b1462:: goto a1463 ::b1463:: goto a1464 ::b1464:: goto
a1465 ::b1465:: goto a1466 ::b1466:: goto a1467 ::b1467:: goto a1468 ::b1468:: goto a1469 ::b1469::
goto a1890 ::b1890:: goto a1891 ::b1891:: goto a1892 ::b1892:: goto a1893 ::b1893:: goto a1894
::b1894:: goto a1895 ::b1895:: goto a1896 ::b1896:: goto a1897 ::b1897:: goto a1898 ::b1898:: goto
a1899 ::b1899:: goto a1900 ::b1900:: goto a1901 ::b1901:: goto a1902 ::b1902:: goto a1903 ::b1903::
goto a1904 ::b1904:: goto a1905 ::b1905:: goto a1906 ::b1906:: goto a1907 ::b1907:: goto a1908
::b1908:: goto a1909 ::b1909:: goto a1910 ::b1910:: goto a1911 ::b1911:: goto a1912 ::b1912:: goto
a1913 ::b1913:: goto a1914 ::b1914:: goto a1915 ::b1915:: goto a1916 ::b1916:: goto a1917 ::b1917::
goto a1918 ::b1918:: goto a1919 ::b1919:: goto a1920 ::b1920:: goto a1921 ::b1921:: goto a1922
::b1922:: goto a1923 ::b1923:: goto a1924 ::b1924:: goto a1925 ::b1925:: goto a1926 ::b1926:: goto
a1927 ::b1927:: goto a1928 ::b1928:: goto a1929 ::b1929:: goto a1930 ::b1930:: goto a1931 ::b1931::
goto a1932 ::b1932:: goto a1933 ::b1933:: goto a1934 ::b1934:: goto a1935 ::b1935:: goto a1936
::b1936:: goto a1937 ::b1937:: goto a1938 ::b1938:: goto a1939 ::b1939:: goto a1940 ::b1940:: goto
a1941 ::b1941:: goto a1942 ::b1942:: goto a1943 ::b1943:: goto a1944 ::b1944:: goto a1945 ::b1945::
goto a1946 ::b1946:: goto a1947 ::b1947:: goto a1948 ::b1948:: goto a1949 ::b1949:: goto a1950
::b1950:: goto a1951 ::b1951:: goto a1952 ::b1952:: goto a1953 ::b1953:: goto a1954 ::b1954:: goto
a1955 ::b1955:: goto a1956 ::b1956:: goto a1957 ::b1957:: goto a1958 ::b1958:: goto a1959 ::b1959::
goto a1960 ::b1960:: goto a1961 ::b1961:: goto a1962 ::b1962:: goto a1963 ::b1963:: goto a1964
::b1964:: goto a1965 ::b1965:: goto a1966 ::b1966:: goto a1967 ::b1967:: goto a1968 ::b1968:: goto
a1969 ::b1969:: goto a1970 ::b1970:: goto a1971 ::b1971:: goto a1972 ::b1972:: goto a1973 ::b1973::
goto a1974 ::b1974:: goto a1975 ::b1975:: goto a1976 ::b1976:: goto a1977 ::b1977:: goto a1978
::b1978:: goto a1979 ::b1979:: goto a1980 ::b1980:: goto a1981 ::b1981:: goto a1982 ::b1982:: goto
a1983 ::b1983:: goto a1984 ::b1984:: goto a1985 ::b1985:: goto a1986 ::b1986:: goto a1987 ::b1987::
goto a1988 ::b1988:: goto a1989 ::b1989:: goto a1990 ::b1990:: goto a1991 ::b1991:: goto a1992
::b1992:: goto a1993 ::b1993:: goto a1994 ::b1994:: goto a1995 ::b1995:: goto a1996 ::b1996:: goto
a1997 ::b1997:: goto a1998 ::b1998:: goto a1999 ::b1999:: goto a2000 ::b2000:: goto a2001 ::b2001::
goto a2002 ::b2002:: goto a2003 ::b2003:: goto a2004 ::b2004:: goto a2005 ::b2005:: goto a2006
::b2006:: goto a2007 ::b2007:: goto a2008 ::b2008:: goto a2009 ::b2009:: goto a2010 ::b2010:: goto
a2011 ::b2011:: goto a2012 ::b2012:: goto a2013 ::b2013:: goto a2014 ::b2014:: goto a2015 ::b2015::
goto a2016 ::b2016:: goto a2017 ::b2017:: goto a2018 ::b2018:: goto a2019 ::b2019:: goto a2020
::b2020:: goto a2021 ::b2021:: goto a2022 ::b2022:: goto a2023 ::b2023:: goto a2024 ::b2024:: goto
a2025 ::b2025:: goto a2026 ::b2026:: goto a2027 ::b2027:: goto a2028 ::b2028:: goto a2029 ::b2029::
goto a2030 ::b2030:: goto a2031 ::b2031:: goto a2032 ::b2032:: goto a2033 ::b2033:: goto a2034
::b2034:: goto a2035 ::b2035:: goto a2036 ::b2036:: goto a2037 ::b2037:: goto a2038 ::b2038:: goto
a2039 ::b2039:: goto a2040 ::b2040:: goto a2041 ::b2041:: goto a2042 ::b2042:: goto a2043 ::b2043::
goto a2044 ::b2044:: goto a2045 ::b2045:: goto a2046 ::b2046:: goto a2047 ::b2047:: goto a2048
::b2048:: goto a2049 ::b2049:: goto a2050 ::b2050:: goto a2051 ::b2051:: goto a2052 ::b2052:: goto
a2053 ::b2053:: goto a2054 ::b2054:: goto a2055 ::b2055:: goto a2056 ::b2056:: goto a2057 ::b2057::
goto a2058 ::b2058:: goto a2059 ::b2059:: goto a2060 ::b2060:: goto a2061 ::b2061:: goto a2062
::b2062:: goto a2063 ::b2063:: goto a2064 ::b2064:: goto a2065 ::b2065:: goto a2066 ::b2066:: goto
a2067 ::b2067:: goto a2068 ::b2068:: goto a2069 ::b2069:: goto a2070 ::b2070:: goto a2071 ::b2071::
goto a2072 ::b2072:: goto a2073 ::b2073:: goto a2074 ::b2074:: goto a2075 ::b2075:: goto a2076
::b2076:: goto a2077 ::b2077:: goto a2078 ::b2078:: goto a2079 ::b2079:: goto a2080 ::b2080:: goto
a2081 ::b2081:: goto a2082 ::b2082:: goto a2083 ::b2083:: goto a2084 ::b2084:: goto a2085 ::b2085::
goto a2086 ::b2086:: goto a2087 ::b2087:: goto a2088 ::b2088:: goto a2089 ::b2089:: goto a2090
::b2090:: goto a2091 ::b2091:: goto a2092 ::b2092:: goto a2093 ::b2093:: goto a2094 ::b2094:: goto
a2095 ::b2095:: goto a2096 ::b2096:: goto a2097 ::b2097:: goto a2098 ::b2098:: goto a2099 ::b2099::
goto a2100 ::b2100:: goto a2101 ::b2101:: goto a2102 ::b2102:: goto a2103 ::b2103:: goto a2104
::b2104:: goto a2105 ::b2105:: goto a2106 ::b2106:: goto a2107 ::b2107:: goto a2108 ::b2108:: goto
a2109 ::b2109:: goto a2110 ::b2110:: goto a2111 ::b2111:: goto a2112 ::b2112:: goto a2113 ::b2113::
goto a2114 ::b2114:: goto a2115 ::b2115:: goto a2116 ::b2116:: goto a2117 ::b2117:: goto a2118
::b2118:: goto a2119 ::b2119:: goto a2120 ::b2120:: goto a2121 ::b2121:: goto a2122 ::b2122:: goto
a2123 ::b2123:: goto a2124 ::b2124:: goto a2125 ::b2125:: goto a2126 ::b2126:: goto a2127 ::b2127::
goto a2128 ::b2128:: goto a2129 ::b2129:: goto a2130 ::b2130:: goto a2131 ::b2131:: goto a2132
::b2132:: goto a2133 ::b2133:: goto a2134 ::b2134:: goto a2135 ::b2135:: goto a2136 ::b2136:: goto
a2137 ::b2137:: goto a2138 ::b2138:: goto a2139 ::b2139:: goto a2140 ::b2140:: goto a2141 ::b2141::
goto a2142 ::b2142:: goto a2143 ::b2143:: goto a2144 ::b2144:: goto a2145 ::b2145:: goto a2146
::b2146:: goto a2147 ::b2147:: goto a2148 ::b2148:: goto a2149 ::b2149:: goto a2150 ::b2150:: goto
a2151 ::b2151:: goto a2152 ::b2152:: goto a2153 ::b2153:: goto a2154 ::b2154:: goto a2155 ::b2155::
goto a2156 ::b2156:: goto a2157 ::b2157:: goto a2158 ::b2158:: goto a2159 ::b2159:: goto a2160
::b2160:: goto a2161 ::b2161:: goto a2162 ::b2162:: goto a2163 ::b2163:: goto a2164 ::b2164:: goto
a2165 ::b2165:: goto a2166 ::b2166:: goto a2167 ::b2167:: goto a2168 ::b2168:: goto a2169 ::b2169::
goto a2170 ::b2170:: goto a2171 ::b2171:: goto a2172 ::b2172:: goto a2173 ::b2173:: goto a2174
::b2174:: goto a2175 ::b2175:: goto a2176 ::b2176:: goto a2177 ::b2177:: goto a2178 ::b2178:: goto
a2179 ::b2179:: goto a2180 ::b2180:: goto a2181 ::b2181:: goto a2182 ::b2182:: goto a2183 ::b2183::
goto a2184 ::b2184:: goto a2185 ::b2185:: goto a2186 ::b2186:: goto a2187 ::b2187:: goto a2188
::b2188:: goto a2189 ::b2189:: goto a2190 ::b2190:: goto a2191 ::b2191:: goto a2192 ::b2192:: goto
a2193 ::b2193:: goto a2194 ::b2194:: goto a2195 ::b2195:: goto a2196 ::b2196:: goto a2197 ::b2197::
goto a2198 ::b2198:: goto a2199 ::b2199:: goto a2200 ::b2200:: goto a2201 ::b2201:: goto a2202
::b2202:: goto a2203 ::b2203:: goto a2204 ::b2204:: goto a2205 ::b2205:: goto a2206 ::b2206:: goto
a2207 ::b2207:: goto a2208 ::b2208:: goto a2209 ::b2209:: goto a2210 ::b2210:: goto a2211 ::b2211::
goto a2212 ::b2212:: goto a2213 ::b2213:: goto a2214 ::b2214:: goto a2215 ::b2215:: goto a2216
::b2216:: goto a2217 ::b2217:: goto a2218 ::b2218:: goto a2219 ::b2219:: goto a2220 ::b2220:: goto
a2221 ::b2221:: goto a2222 ::b2222:: goto a2223 ::b2223:: goto a2224 ::b2224:: goto a2225 ::b2225::
goto a2226 ::b2226:: goto a2227 ::b2227:: goto a2228 ::b2228:: goto a2229 ::b2229:: goto a2230
::b2230:: goto a2231 ::b2231:: goto a2232 ::b2232:: goto a2233 ::b2233:: goto a2234 ::b2234:: goto
a2235 ::b2235:: goto a2236 ::b2236:: goto a2237 ::b2237:: goto a2238 ::b2238:: goto a2239 ::b2239::
goto a2240 ::b2240:: goto a2241 ::b2241:: goto a2242 ::b2242:: goto a2243 ::b2243:: goto a2244
::b2244:: goto a2245 ::b2245:: goto a2246 ::b2246:: goto a2247 ::b2247:: goto a2248 ::b2248:: goto
a2249 ::b2249:: goto a2250 ::b2250:: goto a2251 ::b2251:: goto a2252 ::b2252:: goto a2253 ::b2253::
goto a2254 ::b2254:: goto a2255 ::b2255:: goto a2256 ::b2256:: goto a2257 ::b2257:: goto a2258
::b2258:: goto a2259 ::b2259:: goto a2260 ::b2260:: goto a2261 ::b2261:: goto a2262 ::b2262:: goto
a2263 ::b2263:: goto a2264 ::b2264:: goto a2265 ::b2265:: goto a2266 ::b2266:: goto a2267 ::b2267::
goto a2268 ::b2268:: goto a2269 ::b2269:: goto a2270 ::b2270:: goto a2271 ::b2271:: goto a2272
::b2272:: goto a2273 ::b2273:: goto a2274 ::b2274:: goto a2275 ::b2275:: goto a2276 ::b2276:: goto
a2277 ::b2277:: goto a2278 ::b2278:: goto a2279 ::b2279:: goto a2280 ::b2280:: goto a2281 ::b2281::
goto a2282 ::b2282:: goto a2283 ::b2283:: goto a2284 ::b2284:: goto a2285 ::b2285:: goto a2286
::b2286:: goto a2287 ::b2287:: goto a2288 ::b2288:: goto a2289 ::b2289:: goto a2290 ::b2290:: goto
a2291 ::b2291:: goto a2292 ::b2292:: goto a2293 ::b2293:: goto a2294 ::b2294:: goto a2295 ::b2295::
goto a2296 ::b2296:: goto a2297 ::b2297:: goto a2298 ::b2298:: goto a2299 ::b2299:: goto a2300
::b2300:: goto a2301 ::b2301:: goto a2302 ::b2302:: goto a2303 ::b2303:: goto a2304 ::b2304:: goto
a2305 ::b2305:: goto a2306 ::b2306:: goto a2307 ::b2307:: goto a2308 ::b2308:: goto a2309 ::b2309::
goto a2310 ::b2310:: goto a2311 ::b2311:: goto a2312 ::b2312:: goto a2313 ::b2313:: goto a2314
::b2314:: goto a2315 ::b2315:: goto a2316 ::b2316:: goto a2317 ::b2317:: goto a2318 ::b2318:: goto
a2319 ::b2319:: goto a2320 ::b2320:: goto a2321 ::b2321:: goto a2322 ::b2322:: goto a2323 ::b2323::
goto a2324 ::b2324:: goto a2325 ::b2325:: goto a2326 ::b2326:: goto a2327 ::b2327:: goto a2328
::b2328:: goto a2329 ::b2329:: goto a2330 ::b2330:: goto a2331 ::b2331:: goto a2332 ::b2332:: goto
a2333 ::b2333:: goto a2334 ::b2334:: goto a2335 ::b2335:: goto a2336 ::b2336:: goto a2337 ::b2337::
goto a2338 ::b2338:: goto a2339 ::b2339:: goto a2340 ::b2340:: goto a2341 ::b2341:: goto a2342
::b2342:: goto a2343 ::b2343:: goto a2344 ::b2344:: goto a2345 ::b2345:: goto a2346 ::b2346:: goto
a2347 ::b2347:: goto a2348 ::b2348:: goto a2349 ::b2349:: goto a2350 ::b2350:: goto a2351 ::b2351::
goto a2352 ::b2352:: goto a2353 ::b2353:: goto a2354 ::b2354:: goto a2355 ::b2355:: goto a2356
::b2356:: goto a2357 ::b2357:: goto a2358 ::b2358:: goto a2359 ::b2359:: goto a2360 ::b2360:: goto
a2361 ::b2361:: goto a2362 ::b2362:: goto a2363 ::b2363:: goto a2364 ::b2364:: goto a2365 ::b2365::
goto a2366 ::b2366:: goto a2367 ::b2367:: goto a2368 ::b2368:: goto a2369 ::b2369:: goto a2370
::b2370:: goto a2371 ::b2371:: goto a2372 ::b2372:: goto a2373 ::b2373:: goto a2374 ::b2374:: goto
a2375 ::b2375:: goto a2376 ::b2376:: goto a2377 ::b2377:: goto a2378 ::b2378:: goto a2379 ::b2379::
goto a2380 ::b2380:: goto a2381 ::b2381:: goto a2382 ::b2382:: goto a2383 ::b2383:: goto a2384
::b2384:: goto a2385 ::b2385:: goto a2386 ::b2386:: goto a2387 ::b2387:: goto a2388 ::b2388:: goto
a2389 ::b2389:: goto a2390 ::b2390:: goto a2391 ::b2391:: goto a2392 ::b2392:: goto a2393 ::b2393::
goto a2394 ::b2394:: goto a2395 ::b2395:: goto a2396 ::b2396:: goto a2397 ::b2397:: goto a2398
::b2398:: goto a2399 ::b2399:: goto a2400 ::b2400:: goto a2401 ::b2401:: goto a2402 ::b2402:: goto
a2403 ::b2403:: goto a2404 ::b2404:: goto a2405 ::b2405:: goto a2406 ::b2406:: goto a2407 ::b2407::
goto a2408 ::b2408:: goto a2409 ::b2409:: goto a2410 ::b2410:: goto a2411 ::b2411:: goto a2412
::b2412:: goto a2413 ::b2413:: goto a2414 ::b2414:: goto a2415 ::b2415:: goto a2416 ::b2416:: goto
a2417 ::b2417:: goto a2418 ::b2418:: goto a2419 ::b2419:: goto a2420 ::b2420:: goto a2421 ::b2421::
goto a2422 ::b2422:: goto a2423 ::b2423:: goto a2424 ::b2424:: goto a2425 ::b2425:: goto a2426
::b2426:: goto a2427 ::b2427:: goto a2428 ::b2428:: goto a2429 ::b2429:: goto a2430 ::b2430:: goto
a2431 ::b2431:: goto a2432 ::b2432:: goto a2433 ::b2433:: goto a2434 ::b2434:: goto a2435 ::b2435::
goto a2436 ::b2436:: goto a2437 ::b2437:: goto a2438 ::b2438:: goto a2439 ::b2439:: goto a2440
::b2440:: goto a2441 ::b2441:: goto a2442 ::b2442:: goto a2443 ::b2443:: goto a2444 ::b2444:: goto
a2445 ::b2445:: goto a2446 ::b2446:: goto a2447 ::b2447:: goto a2448 ::b2448:: goto a2449 ::b2449::
goto a2450 ::b2450:: goto a2451 ::b2451:: goto a2452 ::b2452:: goto a2453 ::b2453:: goto a2454
::b2454:: goto a2455 ::b2455:: goto a2456 ::b2456:: goto a2457 ::b2457:: goto a2458 ::b2458:: goto
a2459 ::b2459:: goto a2460 ::b2460:: goto a2461 ::b2461:: goto a2462 ::b2462:: goto a2463 ::b2463::
goto a2464 ::b2464:: goto a2465 ::b2465:: goto a2466 ::b2466:: goto a2467 ::b2467:: goto a2468
::b2468:: goto a2469 ::b2469:: goto a2470 ::b2470:: goto a2471 ::b2471:: goto a2472 ::b2472:: goto
a2473 ::b2473:: goto a2474 ::b2474:: goto a2475 ::b2475:: goto a2476 ::b2476:: goto a2477 ::b2477::
goto a2478 ::b2478:: goto a2479 ::b2479:: goto a2480 ::b2480:: goto a2481 ::b2481:: goto a2482
::b2482:: goto a2483 ::b2483:: goto a2484 ::b2484:: goto a2485 ::b2485:: goto a2486 ::b2486:: goto
a2487 ::b2487:: goto a2488 ::b2488:: goto a2489 ::b2489:: goto a2490 ::b2490:: goto a2491 ::b2491::
goto a2492 ::b2492:: goto a2493 ::b2493:: goto a2494 ::b2494:: goto a2495 ::b2495:: goto a2496
::b2496:: goto a2497 ::b2497:: goto a2498 ::b2498:: goto a2499 ::b2499:: goto a2500 ::b2500:: goto
a2501 ::b2501:: goto a2502 ::b2502:: goto a2503 ::b2503:: goto a2504 ::b2504:: goto a2505 ::b2505::
goto a2506 ::b2506:: goto a2507 ::b2507:: goto a2508 ::b2508:: goto a2509 ::b2509:: goto a2510
::b2510:: goto a2511 ::b2511:: goto a2512 ::b2512:: goto a2513 ::b2513:: goto a2514 ::b2514:: goto
a2515 ::b2515:: goto a2516 ::b2516:: goto a2517 ::b2517:: goto a2518 ::b2518:: goto a2519 ::b2519::
goto a2520 ::b2520:: goto a2521 ::b2521:: goto a2522 ::b2522:: goto a2523 ::b2523:: goto a2524
::b2524:: goto a2525 ::b2525:: goto a2526 ::b2526:: goto a2527 ::b2527:: goto a2528 ::b2528:: goto
a2529 ::b2529:: goto a2530 ::b2530:: goto a2531 ::b2531:: goto a2532 ::b2532:: goto a2533 ::b2533::
goto a2534 ::b2534:: goto a2535 ::b2535:: goto a2536 ::b2536:: goto a2537 ::b2537:: goto a2538
::b2538:: goto a2539 ::b2539:: goto a2540 ::b2540:: goto a2541 ::b2541:: goto a2542 ::b2542:: goto
a2543 ::b2543:: goto a2544 ::b2544:: goto a2545 ::b2545:: goto a2546 ::b2546:: goto a2547 ::b2547::
goto a2548 ::b2548:: goto a2549 ::b2549:: goto a2550 ::b2550:: goto a2551 ::b2551:: goto a2552
::b2552:: goto a2553 ::b2553:: goto a2554 ::b2554:: goto a2555 ::b2555:: goto a2556 ::b2556:: goto
a2557 ::b2557:: goto a2558 ::b2558:: goto a2559 ::b2559:: goto a2560 ::b2560:: goto a2561 ::b2561::
goto a2562 ::b2562:: goto a2563 ::b2563:: goto a2564 ::b2564:: goto a2565 ::b2565:: goto a2566
::b2566:: goto a2567 ::b2567:: goto a2568 ::b2568:: goto a2569 ::b2569:: goto a2570 ::b2570:: goto
a2571 ::b2571:: goto a2572 ::b2572:: goto a2573 ::b2573:: goto a2574 ::b2574:: goto a2575 ::b2575::
goto a2576 ::b2576:: goto a2577 ::b2577:: goto a2578 ::b2578:: goto a2579 ::b2579:: goto a2580
::b2580:: goto a2581 ::b2581:: goto a2582 ::b2582:: goto a2583 ::b2583:: goto a2584 ::b2584:: goto
a2585 ::b2585:: goto a2586 ::b2586:: goto a2587 ::b2587:: goto a2588 ::b2588:: goto a2589 ::b2589::
goto a2590 ::b2590:: goto a2591 ::b2591:: goto a2592 ::b2592:: goto a2593 ::b2593:: goto a2594
::b2594:: goto a2595 ::b2595:: goto a2596 ::b2596:: goto a2597 ::b2597:: goto a2598 ::b2598:: goto
a2599 ::b2599:: goto a2600 ::b2600:: goto a2601 ::b2601:: goto a2602 ::b2602:: goto a2603 ::b2603::
goto a2604 ::b2604:: goto a2605 ::b2605:: goto a2606 ::b2606:: goto a2607 ::b2607:: goto a2608
::b2608:: goto a2609 ::b2609:: goto a2610 ::b2610:: goto a2611 ::b2611:: goto a2612 ::b2612:: goto
a2613 ::b2613:: goto a2614 ::b2614:: goto a2615 ::b2615:: goto a2616 ::b2616:: goto a2617 ::b2617::
goto a2618 ::b2618:: goto a2619 ::b2619:: goto a2620 ::b2620:: goto a2621 ::b2621:: goto a2622
::b2622:: goto a2623 ::b2623:: goto a2624 ::b2624:: goto a2625 ::b2625:: goto a2626 ::b2626:: goto
a2627 ::b2627:: goto a2628 ::b2628:: goto a2629 ::b2629:: goto a2630 ::b2630:: goto a2631 ::b2631::
goto a2632 ::b2632:: goto a2633 ::b2633:: goto a2634 ::b2634:: goto a2635 ::b2635:: goto a2636
::b2636:: goto a2637 ::b2637:: goto a2638 ::b2638:: goto a2639 ::b2639:: goto a2640 ::b2640:: goto
a2641 ::b2641:: goto a2642 ::b2642:: goto a2643 ::b2643:: goto a2644 ::b2644:: goto a2645 ::b2645::
goto a2646 ::b2646:: goto a2647 ::b2647:: goto a2648 ::b2648:: goto a2649 ::b2649:: goto a2650
::b2650:: goto a2651 ::b2651:: goto a2652 ::b2652:: goto a2653 ::b2653:: goto a2654 ::b2654:: goto
a2655 ::b2655:: goto a2656 ::b2656:: goto a2657 ::b2657:: goto a2658 ::b2658:: goto a2659 ::b2659::
goto a2660 ::b2660:: goto a2661 ::b2661:: goto a2662 ::b2662:: goto a2663 ::b2663:: goto a2664
::b2664:: goto a2665 ::b2665:: goto a2666 ::b2666:: goto a2667 ::b2667:: goto a2668 ::b2668:: goto
a2669 ::b2669:: goto a2670 ::b2670:: goto a2671 ::b2671:: goto a2672 ::b2672:: goto a2673 ::b2673::
goto a2674 ::b2674:: goto a2675 ::b2675:: goto a2676 ::b2676:: goto a2677 ::b2677:: goto a2678
::b2678:: goto a2679 ::b2679:: goto a2680 ::b2680:: goto a2681 ::b2681:: goto a2682 ::b2682:: goto
a2683 ::b2683:: goto a2684 ::b2684:: goto a2685 ::b2685:: goto a2686 ::b2686:: goto a2687 ::b2687::
goto a2688 ::b2688:: goto a2689 ::b2689:: goto a2690 ::b2690:: goto a2691 ::b2691:: goto a2692
::b2692:: goto a2693 ::b2693:: goto a2694 ::b2694:: goto a2695 ::b2695:: goto a2696 ::b2696:: goto
a2697 ::b2697:: goto a2698 ::b2698:: goto a2699 ::b2699:: goto a2700 ::b2700:: goto a2701 ::b2701::
goto a2702 ::b2702:: goto a2703 ::b2703:: goto a2704 ::b2704:: goto a2705 ::b2705:: goto a2706
::b2706:: goto a2707 ::b2707:: goto a2708 ::b2708:: goto a2709 ::b2709:: goto a2710 ::b2710:: goto
a2711 ::b2711:: goto a2712 ::b2712:: goto a2713 ::b2713:: goto a2714 ::b2714:: goto a2715 ::b2715::
goto a2716 ::b2716:: goto a2717 ::b2717:: goto a2718 ::b2718:: goto a2719 ::b2719:: goto a2720
::b2720:: goto a2721 ::b2721:: goto a2722 ::b2722:: goto a2723 ::b2723:: goto a2724 ::b2724:: goto
a2725 ::b2725:: goto a2726 ::b2726:: goto a2727 ::b2727:: goto a2728 ::b2728:: goto a2729 ::b2729::
goto a2730 ::b2730:: goto a2731 ::b2731:: goto a2732 ::b2732:: goto a2733 ::b2733:: goto a2734
::b2734:: goto a2735 ::b2735:: goto a2736 ::b2736:: goto a2737 ::b2737:: goto a2738 ::b2738:: goto
a2739 ::b2739:: goto a2740 ::b2740:: goto a2741 ::b2741:: goto a2742 ::b2742:: goto a2743 ::b2743::
goto a2744 ::b2744:: goto a2745 ::b2745:: goto a2746 ::b2746:: goto a2747 ::b2747:: goto a2748
::b2748:: goto a2749 ::b2749:: goto a2750 ::b2750:: goto a2751 ::b2751:: goto a2752 ::b2752:: goto
a2753 ::b2753:: goto a2754 ::b2754:: goto a2755 ::b2755:: goto a2756 ::b2756:: goto a2757 ::b2757::
goto a2758 ::b2758:: goto a2759 ::b2759:: goto a2760 ::b2760:: goto a2761 ::b2761:: goto a2762
::b2762:: goto a2763 ::b2763:: goto a2764 ::b2764:: goto a2765 ::b2765:: goto a2766 ::b2766:: goto
a2767 ::b2767:: goto a2768 ::b2768:: goto a2769 ::b2769:: goto a2770 ::b2770:: goto a2771 ::b2771::
goto a2772 ::b2772:: goto a2773 ::b2773:: goto a2774 ::b2774:: goto a2775 ::b2775:: goto a2776
::b2776:: goto a2777 ::b2777:: goto a2778 ::b2778:: goto a2779 ::b2779:: goto a2780 ::b2780:: goto
a2781 ::b2781:: goto a2782 ::b2782:: goto a2783 ::b2783:: goto a2784 ::b2784:: goto a2785 ::b2785::
goto a2786 ::b2786:: goto a2787 ::b2787:: goto a2788 ::b2788:: goto a2789 ::b2789:: goto a2790
::b2790:: goto a2791 ::b2791:: goto a2792 ::b2792:: goto a2793 ::b2793:: goto a2794 ::b2794:: goto
a2795 ::b2795:: goto a2796 ::b2796:: goto a2797 ::b2797:: goto a2798 ::b2798:: goto a2799 ::b2799::
goto a2800 ::b2800:: goto a2801 ::b2801:: goto a2802 ::b2802:: goto a2803 ::b2803:: goto a2804
::b2804:: goto a2805 ::b2805:: goto a2806 ::b2806:: goto a2807 ::b2807:: goto a2808 ::b2808:: goto
a2809 ::b2809:: goto a2810 ::b2810:: goto a2811 ::b2811:: goto a2812 ::b2812:: goto a2813 ::b2813::
goto a2814 ::b2814:: goto a2815 ::b2815:: goto a2816 ::b2816:: goto a2817 ::b2817:: goto a2818
::b2818:: goto a2819 ::b2819:: goto a2820 ::b2820:: goto a2821 ::b2821:: goto a2822 ::b2822:: goto
a2823 ::b2823:: goto a2824 ::b2824:: goto a2825 ::b2825:: goto a2826 ::b2826:: goto a2827 ::b2827::
goto a2828 ::b2828:: goto a2829 ::b2829:: goto a2830 ::b2830:: goto a2831 ::b2831:: goto a2832
::b2832:: goto a2833 ::b2833:: goto a2834 ::b2834:: goto a2835 ::b2835:: goto a2836 ::b2836:: goto
a2837 ::b2837:: goto a2838 ::b2838:: goto a2839 ::b2839:: goto a2840 ::b2840:: goto a2841 ::b2841::
goto a2842 ::b2842:: goto a2843 ::b2843:: goto a2844 ::b2844:: goto a2845 ::b2845:: goto a2846
::b2846:: goto a2847 ::b2847:: goto a2848 ::b2848:: goto a2849 ::b2849:: goto a2850 ::b2850:: goto
a2851 ::b2851:: goto a2852 ::b2852:: goto a2853 ::b2853:: goto a2854 ::b2854:: goto a2855 ::b2855::
goto a2856 ::b2856:: goto a2857 ::b2857:: goto a2858 ::b2858:: goto a2859 ::b2859:: goto a2860
::b2860:: goto a2861 ::b2861:: goto a2862 ::b2862:: goto a2863 ::b2863:: goto a2864 ::b2864:: goto
a2865 ::b2865:: goto a2866 ::b2866:: goto a2867 ::b2867:: goto a2868 ::b2868:: goto a2869 ::b2869::
goto a2870 ::b2870:: goto a2871 ::b2871:: goto a2872 ::b2872:: goto a2873 ::b2873:: goto a2874
::b2874:: goto a2875 ::b2875:: goto a2876 ::b2876:: goto a2877 ::b2877:: goto a2878 ::b2878:: goto
a2879 ::b2879:: goto a2880 ::b2880:: goto a2881 ::b2881:: goto a2882 ::b2882:: goto a2883 ::b2883::
goto a2884 ::b2884:: goto a2885 ::b2885:: goto a2886 ::b2886:: goto a2887 ::b2887:: goto a2888
::b2888:: goto a2889 ::b2889:: goto a2890 ::b2890:: goto a2891 ::b2891:: goto a2892 ::b2892:: goto
a2893 ::b2893:: goto a2894 ::b2894:: goto a2895 ::b2895:: goto a2896 ::b2896:: goto a2897 ::b2897::
goto a2898 ::b2898:: goto a2899 ::b2899:: goto a2900 ::b2900:: goto a2901 ::b2901:: goto a2902
::b2902:: goto a2903 ::b2903:: goto a2904 ::b2904:: goto a2905 ::b2905:: goto a2906 ::b2906:: goto
a2907 ::b2907:: goto a2908 ::b2908:: goto a2909 ::b2909:: goto a2910 ::b2910:: goto a2911 ::b2911::
goto a2912 ::b2912:: goto a2913 ::b2913:: goto a2914 ::b2914:: goto a2915 ::b2915:: goto a2916
::b2916:: goto a2917 ::b2917:: goto a2918 ::b2918:: goto a2919 ::b2919:: goto a2920 ::b2920:: goto
a2921 ::b2921:: goto a2922 ::b2922:: goto a2923 ::b2923:: goto a2924 ::b2924:: goto a2925 ::b2925::
goto a2926 ::b2926:: goto a2927 ::b2927:: goto a2928 ::b2928:: goto a2929 ::b2929:: goto a2930
::b2930:: goto a2931 ::b2931:: goto a2932 ::b2932:: goto a2933 ::b2933:: goto a2934 ::b2934:: goto
a2935 ::b2935:: goto a2936 ::b2936:: goto a2937 ::b2937:: goto a2938 ::b2938:: goto a2939 ::b2939::
goto a2940 ::b2940:: goto a2941 ::b2941:: goto a2942 ::b2942:: goto a2943 ::b2943:: goto a2944
::b2944:: goto a2945 ::b2945:: goto a2946 ::b2946:: goto a2947 ::b2947:: goto a2948 ::b2948:: goto
a2949 ::b2949:: goto a2950 ::b2950:: goto a2951 ::b2951:: goto a2952 ::b2952:: goto a2953 ::b2953::
goto a2954 ::b2954:: goto a2955 ::b2955:: goto a2956 ::b2956:: goto a2957 ::b2957:: goto a2958
::b2958:: goto a2959 ::b2959:: goto a2960 ::b2960:: goto a2961 ::b2961:: goto a2962 ::b2962:: goto
a2963 ::b2963:: goto a2964 ::b2964:: goto a2965 ::b2965:: goto a2966 ::b2966:: goto a2967 ::b2967::
goto a2968 ::b2968:: goto a2969 ::b2969:: goto a2970 ::b2970:: goto a2971 ::b2971:: goto a2972
::b2972:: goto a2973 ::b2973:: goto a2974 ::b2974:: goto a2975 ::b2975:: goto a2976 ::b2976:: goto
a2977 ::b2977:: goto a2978 ::b2978:: goto a2979 ::b2979:: goto a2980 ::b2980:: goto a2981 ::b2981::
goto a2982 ::b2982:: goto a2983 ::b2983:: goto a2984 ::b2984:: goto a2985 ::b2985:: goto a2986
::b2986:: goto a2987 ::b2987:: goto a2988 ::b2988:: goto a2989 ::b2989:: goto a2990 ::b2990:: goto
a2991 ::b2991:: goto a2992 ::b2992:: goto a2993 ::b2993:: goto a2994 ::b2994:: goto a2995 ::b2995::
goto a2996 ::b2996:: goto a2997 ::b2997:: goto a2998 ::b2998:: goto a2999 ::b2999:: goto a3000
::b3000:: goto a3001 ::b3001:: goto a3002 ::b3002:: goto a3003 ::b3003:: goto a3004 ::b3004:: goto
a3005 ::b3005:: goto a3006 ::b3006:: goto a3007 ::b3007:: goto a3008 ::b3008:: goto a3009 ::b3009::
goto a3010 ::b3010:: goto a3011 ::b3011:: goto a3012 ::b3012:: goto a3013 ::b3013:: goto a3014
::b3014:: goto a3015 ::b3015:: goto a3016 ::b3016:: goto a3017 ::b3017:: goto a3018 ::b3018:: goto
a3019 ::b3019:: goto a3020 ::b3020:: goto a3021 ::b3021:: goto a3022 ::b3022:: goto a3023 ::b3023::
goto a3024 ::b3024:: goto a3025 ::b3025:: goto a3026 ::b3026:: goto a3027 ::b3027:: goto a3028
::b3028:: goto a3029 ::b3029:: goto a3030 ::b3030:: goto a3031 ::b3031:: goto a3032 ::b3032:: goto
a3033 ::b3033:: goto a3034 ::b3034:: goto a3035 ::b3035:: goto a3036 ::b3036:: goto a3037 ::b3037::
goto a3038 ::b3038:: goto a3039 ::b3039:: goto a3040 ::b3040:: goto a3041 ::b3041:: goto a3042
::b3042:: goto a3043 ::b3043:: goto a3044 ::b3044:: goto a3045 ::b3045:: goto a3046 ::b3046:: goto
a3047 ::b3047:: goto a3048 ::b3048:: goto a3049 ::b3049:: goto a3050 ::b3050:: goto a3051 ::b3051::
goto a3052 ::b3052:: goto a3053 ::b3053:: goto a3054 ::b3054:: goto a3055 ::b3055:: goto a3056
::b3056:: goto a3057 ::b3057:: goto a3058 ::b3058:: goto a3059 ::b3059:: goto a3060 ::b3060:: goto
a3061 ::b3061:: goto a3062 ::b3062:: goto a3063 ::b3063:: goto a3064 ::b3064:: goto a3065 ::b3065::
goto a3066 ::b3066:: goto a3067 ::b3067:: goto a3068 ::b3068:: goto a3069 ::b3069:: goto a3070
::b3070:: goto a3071 ::b3071:: goto a3072 ::b3072:: goto a3073 ::b3073:: goto a3074 ::b3074:: goto
a3075 ::b3075:: goto a3076 ::b3076:: goto a3077 ::b3077:: goto a3078 ::b3078:: goto a3079 ::b3079::
goto a3080 ::b3080:: goto a3081 ::b3081:: goto a3082 ::b3082:: goto a3083 ::b3083:: goto a3084
::b3084:: goto a3085 ::b3085:: goto a3086 ::b3086:: goto a3087 ::b3087:: goto a3088 ::b3088:: goto
a3089 ::b3089:: goto a3090 ::b3090:: goto a3091 ::b3091:: goto a3092 ::b3092:: goto a3093 ::b3093::
goto a3094 ::b3094:: goto a3095 ::b3095:: goto a3096 ::b3096:: goto a3097 ::b3097:: goto a3098
::b3098:: goto a3099 ::b3099:: goto a3100 ::b3100:: goto a3101 ::b3101:: goto a3102 ::b3102:: goto
a3103 ::b3103:: goto a3104 ::b3104:: goto a3105 ::b3105:: goto a3106 ::b3106:: goto a3107 ::b3107::
goto a3108 ::b3108:: goto a3109 ::b3109:: goto a3110 ::b3110:: goto a3111 ::b3111:: goto a3112
::b3112:: goto a3113 ::b3113:: goto a3114 ::b3114:: goto a3115 ::b3115:: goto a3116 ::b3116:: goto
a3117 ::b3117:: goto a3118 ::b3118:: goto a3119 ::b3119:: goto a3120 ::b3120:: goto a3121 ::b3121::
goto a3122 ::b3122:: goto a3123 ::b3123:: goto a3124 ::b3124:: goto a3125 ::b3125:: goto a3126
::b3126:: goto a3127 ::b3127:: goto a3128 ::b3128:: goto a3129 ::b3129:: goto a3130 ::b3130:: goto
a3131 ::b3131:: goto a3132 ::b3132:: goto a3133 ::b3133:: goto a3134 ::b3134:: goto a3135 ::b3135::
goto a3136 ::b3136:: goto a3137 ::b3137:: goto a3138 ::b3138:: goto a3139 ::b3139:: goto a3140
::b3140:: goto a3141 ::b3141:: goto a3142 ::b3142:: goto a3143 ::b3143:: goto a3144 ::b3144:: goto
a3145 ::b3145:: goto a3146 ::b3146:: goto a3147 ::b3147:: goto a3148 ::b3148:: goto a3149 ::b3149::
goto a3150 ::b3150:: goto a3151 ::b3151:: goto a3152 ::b3152:: goto a3153 ::b3153:: goto a3154
::b3154:: goto a3155 ::b3155:: goto a3156 ::b3156:: goto a3157 ::b3157:: goto a3158 ::b3158:: goto
a3159 ::b3159:: goto a3160 ::b3160:: goto a3161 ::b3161:: goto a3162 ::b3162:: goto a3163 ::b3163::
goto a3164 ::b3164:: goto a3165 ::b3165:: goto a3166 ::b3166:: goto a3167 ::b3167:: goto a3168
::b3168:: goto a3169 ::b3169:: goto a3170 ::b3170:: goto a3171 ::b3171:: goto a3172 ::b3172:: goto
a3173 ::b3173:: goto a3174 ::b3174:: goto a3175 ::b3175:: goto a3176 ::b3176:: goto a3177 ::b3177::
goto a3178 ::b3178:: goto a3179 ::b3179:: goto a3180 ::b3180:: goto a3181 ::b3181:: goto a3182
::b3182:: goto a3183 ::b3183:: goto a3184 ::b3184:: goto a3185 ::b3185:: goto a3186 ::b3186:: goto
a3187 ::b3187:: goto a3188 ::b3188:: goto a3189 ::b3189:: goto a3190 ::b3190:: goto a3191 ::b3191::
goto a3192 ::b3192:: goto a3193 ::b3193:: goto a3194 ::b3194:: goto a3195 ::b3195:: goto a3196
::b3196:: goto a3197 ::b3197:: goto a3198 ::b3198:: goto a3199 ::b3199:: end
